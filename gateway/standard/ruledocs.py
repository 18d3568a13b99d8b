"""The rules in words: one row a line of `rules.yaml`, for the reference and for `gateway standard rules`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.standard.changes import Version
from gateway.standard.valuerules import marks

_SAID = frozenset({"id", "types", "each", "path", "on", "severity", "result", "zh", "en"})


def rule_rows(version: Version, number: str = "") -> list[dict[str, str]]:
    """Every rule, or those between the fields of one type: id, types, path, condition, severity, result, zh,
    en, mend_zh, mend_en. A rule of single values is for all types (`*`); its path names the elements."""
    lines = version.rules.values()
    return [_row(version, line) for line in lines if not number or number in types_of(line)]


def types_of(line: Mapping[str, Any]) -> list[str]:
    """The numbers of the types that a rule is for; none for a rule of single values, which goes by a mark."""
    said = line.get("types", [])
    return [said] if isinstance(said, str) else list(said)


def _row(version: Version, line: Mapping[str, Any]) -> dict[str, str]:
    place = "/".join(str(line[name]) for name in ("each", "path") if line.get(name))
    mend = version.mends.get(line["id"]) or version.mends.get(line["check"]) or ("", "")
    return {
        "id": str(line["id"]),
        "types": " ".join(types_of(line)) or "*",
        "path": place or ", ".join(sorted(_elements(version, line))),
        "condition": ", ".join(f"{name}: {_plain(said)}" for name, said in line.items() if name not in _SAID),
        "severity": str(line.get("severity", "error")),
        "result": str(line.get("result", "10003")),
        "zh": str(line["zh"]),
        "en": str(line["en"]),
        "mend_zh": str(mend[0]),
        "mend_en": str(mend[1]),
    }


def _elements(version: Version, line: Mapping[str, Any]) -> Iterator[str]:
    """The names of the elements that bear a rule's mark, with their code tables."""
    found: dict[str, None] = {}
    for root in version.schemas.roots.values():
        for _, element in root.walk():
            if line["on"] in marks(element) and bool(line.get("kinds")) == bool(element.code_type):
                found[f"{element.name} ({element.codes})" if line["on"] == "codes" else element.name] = None
    yield from found


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name} = {_plain(one)}" for name, one in value.items())
    return " ".join(map(_plain, value)) if isinstance(value, list) else str(value) or "∅"
