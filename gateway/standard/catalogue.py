"""The catalogue of message types, made from the schemas' own annotations."""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import ConfigError, Finding
from gateway.standard.codes import CodeTables
from gateway.standard.model import Element
from gateway.standard.schemafiles import SchemaFiles

SHARED = "types.xsd"
ENVELOPE = "envelope.xsd"
_HASHED = re.compile(r"sm3\((\w+)\)")
_OF_ANOTHER = ("OriMsgNo", "BizKey")
_LANES = ("payment", "case", "bulk")


@dataclass(frozen=True, slots=True)
class MessageType:
    """One entry of the data standard.

    `step`: 00..07 (BizType). `key`: the body's elements that make the business key; `hashed_key`: the key
    is their SM3. `versioned`: BizVersion is part of the message's identity. `answer`: number of the
    synchronous answer, or empty. `money`: it moves money. `fact`: never refused for the process's state.
    `lane`: payment, case or bulk. `sensitive`: path without indexes → personal or account.
    """

    number: str
    name: str
    title_zh: str
    title_en: str
    step: str
    key: tuple[str, ...]
    hashed_key: bool
    versioned: bool
    answer: str
    money: bool
    fact: bool
    lane: str
    sensitive: Mapping[str, str] = field(default_factory=dict, hash=False)
    flow: str = ""


class Catalogue:
    """The message types, by number and by name, in the order of their numbers."""

    def __init__(self, types: Mapping[str, MessageType]):
        self._types = dict(sorted(types.items()))
        self._names = {kind.name: kind for kind in types.values()}
        sensitive = {path.rpartition("/")[2] for kind in types.values() for path in kind.sensitive}
        self._sensitive_names = frozenset(_bare(name) for name in sensitive)

    def get(self, number_or_name: str) -> MessageType:
        """LookupError where there is no such type, with what was meant."""
        found = self._types.get(number_or_name) or self._names.get(number_or_name)
        if found is None:
            close = difflib.get_close_matches(number_or_name, [*self._types, *self._names], n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(self._types)}"
            raise LookupError(f"unknown message type {number_or_name[:60]!r}{hint}")
        return found

    def is_sensitive_name(self, name: str) -> bool:
        """Is an element of any type that is called so sensitive? `PAY_ACCT_NO` is called as `PayAcctNo` is."""
        return _bare(name) in self._sensitive_names

    def sensitive_in_key(self, number: str, biz_key: str) -> dict[str, str]:
        """Value → personal or account, of what is sensitive in a business key of the type (1004 has an account
        number), or in the key that it names (8002)."""
        kind = self._types.get(number)
        if kind is None or kind.hashed_key:
            return {}
        if kind.key[:2] == _OF_ANOTHER:
            named, _, rest = biz_key.partition("|")
            return {} if named == number else self.sensitive_in_key(named, rest)
        if kind.sensitive.keys().isdisjoint(kind.key):
            return {}
        parts = zip(kind.key, biz_key.split("|"), strict=False)  # the gateway's own keys have more parts
        return {part: kind.sensitive[name] for name, part in parts if part and name in kind.sensitive}

    def __contains__(self, number_or_name: object) -> bool:
        return number_or_name in self._types or number_or_name in self._names

    def __iter__(self) -> Iterator[MessageType]:
        return iter(self._types.values())

    def __len__(self) -> int:
        return len(self._types)


@dataclass(frozen=True, slots=True)
class Schemas:
    """What the schema files of one version say: the catalogue, each type's element, the envelope's head."""

    folder: Path
    catalogue: Catalogue
    roots: Mapping[str, Element]
    head: Element


def load_schemas(folder: Path) -> Schemas:
    """Reads `folder`'s XSD files; ConfigError lists what does not fit together."""
    files = SchemaFiles()
    files.read_types(folder / SHARED)
    files.read_types(folder / ENVELOPE)
    types: dict[str, MessageType] = {}
    roots: dict[str, Element] = {}
    findings: list[Finding] = []
    for path in sorted(folder.glob("[0-9]*.xsd")):
        root, said = files.read_message(path)
        wrong = [Finding(str(path), 1, 1, root.name, text, "standard.schema") for text in _check(root, said)]
        findings += wrong
        if not wrong:
            roots[said["number"]] = root
            types[said["number"]] = _message_type(root, said)
    head = files.complex.get("HeadType", ())
    if not head or not types:
        findings.append(Finding(str(folder), 0, 0, "(folder)", "no HeadType or no type", "standard.schema"))
    if findings:
        raise ConfigError(findings)
    by_name = {child.name: child for child in head}
    return Schemas(folder, Catalogue(types), roots, Element("Head", children=head, by_name=by_name))


def _message_type(root: Element, said: Mapping[str, str]) -> MessageType:
    parts = said["key"].split("|")
    return MessageType(
        number=said["number"],
        name=root.name,
        title_zh=root.zh,
        title_en=root.en,
        step=said["step"],
        key=tuple(_HASHED.sub(r"\1", part) for part in parts),
        hashed_key=any(map(_HASHED.fullmatch, parts)),
        versioned=said.get("versioned") != "false",
        answer=said.get("answer", ""),
        money=said.get("money") == "true",
        fact=said.get("fact") == "true",
        lane=said["lane"],
        sensitive={path: found.sensitive for path, found in root.walk() if found.sensitive},
        flow=said.get("flow", ""),
    )


def _check(root: Element, said: Mapping[str, str]) -> list[str]:
    missing = [name for name in ("number", "step", "key", "lane") if not said.get(name)]
    if missing:
        return [f"the annotation lacks m:{name}" for name in missing]
    parts = [_HASHED.sub(r"\1", part) for part in said["key"].split("|")]
    wrong = [
        f"the business key names {part}, which is no element" for part in parts if part not in root.by_name
    ]
    if said["lane"] not in _LANES:
        wrong.append(f"lane {said['lane']!r} is none of {', '.join(_LANES)}")
    return wrong


def check_annotations(schemas: Schemas, codes: CodeTables, checks: Container[str]) -> None:
    """ConfigError where an annotation names a code table, check or sibling that there is not. `checks` are
    the marks that the rules of values speak of."""
    findings = []
    for number, root in [*schemas.roots.items(), ("Head", schemas.head)]:
        for path, element in root.walk():
            check = element.value.check if element.value is not None else ""
            holder = root.find(path.rpartition("/")[0]) if "/" in path else root
            wrong = []
            if element.codes and element.codes not in codes:
                wrong.append(f"unknown code table {element.codes}")
            needed = [check] if check else []
            needed += [mark for mark, has in (("codes", element.codes), ("gbk", element.gbk_max)) if has]
            wrong += [
                f"unknown {mark}: no rule of values speaks of it" for mark in needed if mark not in checks
            ]
            if element.code_type and (holder is None or element.code_type not in holder.by_name):
                wrong.append(f"there is no sibling {element.code_type}")
            for text in wrong:
                findings.append(Finding(number, 0, 0, path, text, "standard.schema"))
    if findings:
        raise ConfigError(findings)


def _bare(name: str) -> str:
    return name.replace("_", "").casefold()
