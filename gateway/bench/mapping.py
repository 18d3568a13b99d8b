"""Mappings: 40 fields with 11 list lines, dict → XML and XML → dict, beside the same in XSLT and JSONata.

The two rivals are made from the same table of fields as the mapping files are, begin and end where the
mapping does (a dict, the bytes of an XML document), and must come to the same result before anything is
measured. The document's shape was met before, as in the stream of one platform's messages
(formats/skeletons.py); one that was not takes the parser's time. All are measured in turn, in one process, so
that the ratios hold on a busy machine; a ratio is over both directions together.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from jsonata import Jsonata  # type: ignore[import-untyped]
from lxml import etree

from gateway.formats import formats
from gateway.formats.elements import field_reader
from gateway.mapping import Context, Mapping, check_text, load_mappings
from gateway.mapping.schema import Shelf, from_standard
from gateway.message import Head, Record
from gateway.standard import Catalogue, CodeTables, Standard
from gateway.standard.model import Element

NUMBER, NAME = "4002", "PaymentApplicationPush"
FIELDS, LINES = 40, 11
ROOT = "PUSH"
_XSL = "http://www.w3.org/1999/XSL/Transform"
_DENIED = etree.XSLTAccessControl(  # type: ignore[call-arg]  # the stubs know none of these names
    read_file=False, write_file=False, create_dir=False, read_network=False, write_network=False
)
_HEAD = Head(*[""] * 15)


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the comparison table: the standard's name, the platform's, and what is done on the way
    in: nothing, the first eight characters, or another value where it is absent."""

    name: str
    own: str
    way: str = ""

    @property
    def mapping(self) -> str:
        return self.own + {"": "", "day": " | substring(1, 8)", "else": ' | default("156")'}[self.way]

    @property
    def xslt(self) -> str:
        value = f"{self.own}"
        if self.way == "day":
            value = f"substring({self.own}, 1, 8)"
        if self.way == "else":
            return (
                f"<xsl:choose><xsl:when test=\"{self.own} != ''\"><{self.name}><xsl:value-of select='{self.own}'/>"
                f"</{self.name}></xsl:when><xsl:otherwise><{self.name}>156</{self.name}></xsl:otherwise></xsl:choose>"
            )
        return (
            f"<xsl:if test=\"{self.own} != ''\"><{self.name}><xsl:value-of select='{value}'/></{self.name}>"
            "</xsl:if>"
        )

    @property
    def jsonata(self) -> str:
        ways = {
            "": self.own,
            "day": f"$substring({self.own}, 0, 8)",
            "else": f"{self.own} ? {self.own} : '156'",
        }
        return f'"{self.name}": {ways[self.way]}'


@dataclass(frozen=True, slots=True)
class _Cut:
    """The standard, with the one type cut to the fields that are measured."""

    standard: Standard
    element: Element

    @property
    def catalogue(self) -> Catalogue:
        return self.standard.catalogue

    @property
    def codes(self) -> CodeTables:
        return self.standard.codes

    def model(self, number: str) -> Element:
        return self.element


def measure(root: Path) -> dict[str, float]:
    """The figures by name; microseconds and milliseconds of CPU."""
    standard = Standard.load(root / "schemas")
    started = time.process_time()
    load_mappings(root / "mappings", standard)
    compile_all_ms = (time.process_time() - started) * 1000
    spent = _in_turn(_rivals(standard, root))
    ours = spent["to_xml"] + spent["to_dict"]
    return {
        "to_xml_cpu_us": round(spent["to_xml"], 1),
        "to_dict_cpu_us": round(spent["to_dict"], 1),
        "ratio_to_xslt": round((spent["xslt_out"] + spent["xslt_in"]) / ours, 2),
        "ratio_to_jsonata": round((spent["jsonata_out"] + spent["jsonata_in"]) / ours, 2),
        "compile_all_ms": round(compile_all_ms, 1),
    }


def _rivals(standard: Standard, root: Path) -> dict[str, Callable[[], object]]:
    fields, lines, record = _table(standard)
    back = _turned(fields), _turned(lines)
    world = _Cut(standard, _cut(standard.model(NUMBER), record))
    to_xml = _mapping(world, root, "out", "xml-bare", *back, "PAYEES/PAYEE", "Payees/Payee")
    to_dict = _mapping(world, root, "in", "xml-bare", fields, lines, "Payees/Payee", "PAYEES/PAYEE")
    form, context = formats.get("xml-bare"), Context()
    data = form.encode(to_xml.apply(record, context), _HEAD, {}, ROOT)
    own = form.decode(data).record
    xslt_out = _stylesheet(ROOT, *back, "PAYEES/PAYEE", "Payees/Payee")
    xslt_in = _stylesheet(NAME, fields, lines, "Payees/Payee", "PAYEES/PAYEE")
    query_out = Jsonata(_query(*back, "PAYEES/PAYEE", "Payees/Payee"))
    query_in = Jsonata(_query(fields, lines, "Payees/Payee", "PAYEES/PAYEE"))

    def write(made: Record, root: str) -> bytes:
        return form.encode(made, _HEAD, {}, root)

    def by_xslt(data: bytes) -> Record:
        made = xslt_in(etree.fromstring(data)).getroot()
        return field_reader(made)(made)

    works: dict[str, Callable[[], object]] = {
        "to_xml": lambda: write(to_xml.apply(record, context), ROOT),
        "to_dict": lambda: to_dict.apply(form.decode(data).record, context),
        "xslt_out": lambda: bytes(xslt_out(etree.fromstring(write(record, NAME)))),
        "xslt_in": lambda: by_xslt(data),
        "jsonata_out": lambda: write(_with_list(query_out.evaluate(record), "PAYEES", "PAYEE"), ROOT),
        "jsonata_in": lambda: query_in.evaluate(form.decode(data).record),
    }
    for name, work in works.items():
        made = work()
        if (form.decode(made).record if isinstance(made, bytes) else made) not in (own, record):
            raise RuntimeError(f"{name} comes to another result")
    return works


def _table(standard: Standard) -> tuple[list[Field], list[Field], Record]:
    """40 fields, those of a line, and a message that has them all."""
    element, sample = standard.model(NUMBER), standard.sample(NUMBER)
    sample["Remark"] = "备注"
    names = [child.name for child in element.children if isinstance(sample.get(child.name), str)][:FIELDS]
    ways = {"VouDate": "day", "CurrencyCode": "else"}
    line = dict(sample["Payees"]["Payee"][0])
    fields = [Field(name, _own(name), ways.get(name, "")) for name in names]
    record: Record = {name: sample[name] for name in names}
    record["Payees"] = {"Payee": [{**line, "Amount": f"{n}.00"} for n in range(1, LINES + 1)]}
    return fields, [Field(name, _own(name)) for name in line], record


def _own(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def _turned(fields: list[Field]) -> list[Field]:
    return [Field(one.own, one.name) for one in fields]


def _cut(element: Element, record: Record) -> Element:
    children = tuple(child for child in element.children if child.name in record)
    return replace(element, children=children, by_name={child.name: child for child in children})


def _mapping(
    world: _Cut,
    root: Path,
    direction: str,
    form: str,
    fields: list[Field],
    lines: list[Field],
    to: str,
    each: str,
) -> Mapping:
    text = f"message: {NAME}\ndirection: {direction}\nformat: {form}\nversion: 1\nschema: own.csv\nfields:\n"
    text += "".join(f"  {one.name}: '{one.mapping}'\n" for one in fields)
    text += f"  {to}:\n    each: {each}\n    fields:\n"
    text += "".join(f"      {one.name}: '{one.mapping}'\n" for one in lines)
    path = root / "mappings" / "bench" / f"{NAME}.{direction}.yaml"
    with TemporaryDirectory() as folder:
        (Path(folder) / "own.csv").write_text(_field_table(world, direction, fields, lines), encoding="utf-8")
        return Mapping(path, check_text(text, path, world, Shelf(Path(folder))))


def _field_table(world: _Cut, direction: str, fields: list[Field], lines: list[Field]) -> str:
    """The platform's side as a schema: the standard's fields under the platform's names."""
    root = from_standard(world.element)
    rows = ["name,length,bytes,required,repeats", f"PAYEES,,,Y,N\nPAYEES/PAYEE,,,Y,{499}"]
    payee = dict(root.walk())["Payees/Payee"]
    for listed, element, above in ((fields, root, ""), (lines, payee, "PAYEES/PAYEE/")):
        for one in listed:
            own, name = (one.own, one.name) if direction == "in" else (one.name, one.own)
            child = element.child(name)
            if child is None or child.leaf is None:
                raise LookupError(name)
            needed = "Y" if child.least else "N"
            rows.append(f"{above}{own},{child.leaf.longest or ''},{child.gbk_max or ''},{needed},N")
    return "\n".join(rows) + "\n"


def _stylesheet(name: str, fields: list[Field], lines: list[Field], to: str, each: str) -> etree.XSLT:
    wrapper, item = to.split("/")
    text = (
        f'<xsl:stylesheet version="1.0" xmlns:xsl="{_XSL}"><xsl:output encoding="UTF-8"/>'
        f'<xsl:template match="/*"><{name}>{"".join(one.xslt for one in fields)}'
        f'<{wrapper}><xsl:for-each select="{each}"><{item}>{"".join(one.xslt for one in lines)}</{item}>'
        f"</xsl:for-each></{wrapper}></{name}></xsl:template></xsl:stylesheet>"
    )
    return etree.XSLT(etree.fromstring(text), access_control=_DENIED)


def _query(fields: list[Field], lines: list[Field], to: str, each: str) -> str:
    wrapper, item = to.split("/")
    inner = ", ".join(one.jsonata for one in lines)
    outer = ", ".join(one.jsonata for one in fields)
    return f'{{{outer}, "{wrapper}": {{"{item}": {each.replace("/", ".")}.{{{inner}}}}}}}'


def _with_list(made: Record, wrapper: str, item: str) -> Record:
    """JSONata's own kind of list as a list."""
    return {**made, wrapper: {item: list(made[wrapper][item])}}


def _in_turn(works: dict[str, Callable[[], object]], rounds: int = 60, calls: int = 20) -> dict[str, float]:
    """CPU microseconds of one call: the best of many short series, taken in turn, so that a slow moment
    of the machine falls on all alike."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            started = time.process_time_ns()
            for _ in range(calls):
                work()
            best[name] = min(best[name], (time.process_time_ns() - started) / calls / 1000)
    return best
