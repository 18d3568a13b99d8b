"""A field table as an XML schema: one element with the fields in any order, each with its meaning.

Types are written out, so that the file stands alone; `xs:all` because the tables say nothing of an order.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from gateway import xmltree
from gateway.errors import MessageError
from gateway.mapping.draft.notation import DATE, NUMBER, Notation
from gateway.mapping.draft.rows import FieldRow, FieldTable

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!-- Made from {place}. Required on a condition, and what was read in another way than it stands: see decisions.md. -->
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="{root}">
    <xs:annotation>
      <xs:documentation xml:lang="zh">{title}</xs:documentation>
    </xs:annotation>
    <xs:complexType>
      <xs:all>
"""
_TAIL = """      </xs:all>
    </xs:complexType>
  </xs:element>
</xs:schema>
"""
_NOT_NAME = re.compile(r"[^\w.\-]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f￾￿]|--+")


def element_name(text: str) -> str:
    """A name that XML takes: other characters go, a digit in front gets an underscore."""
    plain = _NOT_NAME.sub("_", text).strip("_-.") or "Record"
    return plain if plain[0].isalpha() or plain[0] == "_" else f"_{plain}"


def write_schema(table: FieldTable, book: str, root: str) -> str:
    """The XSD of one table."""
    place = _safe(f"{book}, sheet {table.sheet}, row {table.row}")
    head = _HEAD.format(place=escape(place), root=element_name(root), title=escape(_safe(table.title)))
    return head + "".join(map(_field, table.fields)) + _TAIL


def compile_schema(text: str) -> str:
    """ "" where XML Schema takes it, else why not."""
    try:
        etree.XMLSchema(xmltree.parse(text.encode()))
    except (etree.XMLSchemaParseError, MessageError) as error:
        return str(error)[:300]
    return ""


def _safe(text: str) -> str:
    return _CONTROL.sub(" ", text)


def _field(one: FieldRow) -> str:
    optional = "" if one.required else ' minOccurs="0"'
    notes = "；".join(part for part in (one.values, one.note) if part)
    more = f"\n            <xs:documentation>{escape(_safe(notes))}</xs:documentation>" if notes else ""
    return (
        f"        <xs:element name={quoteattr(element_name(one.name))}{optional}>\n"
        "          <xs:annotation>\n"
        f'            <xs:documentation xml:lang="zh">{escape(_safe(one.zh))}</xs:documentation>{more}\n'
        "          </xs:annotation>\n"
        f"{_type(one.notation)}"
        "        </xs:element>\n"
    )


def _type(notation: Notation) -> str:
    facets = "".join(
        f"              <xs:{name} value={quoteattr(value)}/>\n" for name, value in _facets(notation)
    )
    return (
        "          <xs:simpleType>\n"
        '            <xs:restriction base="xs:string">\n'
        f"{facets}"
        "            </xs:restriction>\n"
        "          </xs:simpleType>\n"
    )


def _facets(notation: Notation) -> list[tuple[str, str]]:
    if notation.kind == NUMBER:
        digits = f"{{1,{notation.digits}}}" if notation.digits else "+"
        places = rf"(\.[0-9]{{1,{notation.decimals}}})?" if notation.decimals else ""
        return [("pattern", f"-?[0-9]{digits}{places}")]
    if notation.kind == DATE and notation.form:
        return [("pattern", date_pattern(notation.form))]
    if notation.least and notation.least == notation.most:
        return [("length", str(notation.most))]
    bounds = [("minLength", str(notation.least))] if notation.least else []
    return bounds + ([("maxLength", str(notation.most))] if notation.most else [])


def date_pattern(form: str) -> str:
    """`yyyy-MM-dd` → `[0-9]{4}-[0-9]{2}-[0-9]{2}`."""
    made = ""
    for found in re.finditer(r"([yMdHmsS])\1*|.", form):
        made += f"[0-9]{{{len(found[0])}}}" if found[1] else re.escape(found[0]).replace("\\ ", " ")
    return made
