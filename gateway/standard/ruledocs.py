"""The rules in words, from the lines that the validator itself runs: rows, and the page `docs/rules.md`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.standard.model import Element
from gateway.standard.rules import RuleLine
from gateway.standard.standard import Standard
from gateway.standard.valuerules import ValueLine

_HEADING = (
    "rule 规则",
    "types 报文",
    "path 要素",
    "condition 条件",
    "result",
    "rule in words 规则说明",
    "how to mend 如何更正",
)


def rule_rows(standard: Standard) -> list[dict[str, str]]:
    """Every rule: id, types, path, condition, check, result, severity, zh, en, mend_zh, mend_en."""
    return [*_value_rows(standard), *(_row(standard, line) for line in standard.book.lines)]


def rules_page(standard: Standard) -> str:
    """All rules as one Markdown page in both languages."""
    rows = rule_rows(standard)
    lines = [
        "# Rules of the data standard 数据标准规则",
        "",
        "What XSD cannot say. Written by `gateway standard rules --markdown` from `schemas/standard/v1/rules.yaml`",
        "and the schemas' annotations; do not edit. 由规则文件与模式注释生成，请勿手工修改。",
        "",
        f"| {' | '.join(_HEADING)} |",
        f"|{'---|' * len(_HEADING)}",
    ]
    for row in rows:
        words = f"{row['zh']}<br>{row['en']}"
        if row["severity"] == "warning":
            words += "<br>(warning 警告)"
        mend = f"{row['mend_zh']}<br>{row['mend_en']}"
        cells = (f"`{row['id']}`", row["types"], row["path"], row["condition"], row["result"], words, mend)
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _row(standard: Standard, line: RuleLine) -> dict[str, str]:
    types = [line.types] if isinstance(line.types, str) else line.types
    return {
        "id": line.id,
        "types": " ".join(types),
        "path": f"{line.each}: {line.path}" if line.each else line.path,
        "condition": _condition(line),
        "check": line.check,
        **_words(standard, line),
    }


def _condition(line: RuleLine) -> str:
    of = [line.of] if isinstance(line.of, str) else line.of
    parts = [line.check, *([" + ".join(of)] if of else []), *([line.literal] if line.literal else [])]
    parts += [", ".join(line.values)] if line.values else []
    parts += [f"{line.days} days"] if line.days else []
    for word, given in (("when", line.when), ("unless", line.unless)):
        for path, values in given.items():
            shown = values if isinstance(values, str) else " ".join(values)
            parts.append(f"{word} {path} = {shown}")
    return "; ".join(parts)


def _value_rows(standard: Standard) -> Iterator[dict[str, str]]:
    """A rule of values holds for many elements: their simple types, tables and limits are named."""
    for line in standard.book.values:
        kinds = ", ".join(kind or "absent" for kind in line.kinds)
        yield {
            "id": line.id,
            "types": "*",
            "path": ", ".join(sorted(_elements(standard, line))),
            "condition": f"{line.check}; when the code's kind = {kinds}" if kinds else line.check,
            "check": line.check,
            **_words(standard, line),
        }


def _elements(standard: Standard, line: ValueLine) -> set[str]:
    roots: list[Element] = [standard.model(kind.number) for kind in standard.catalogue]
    found = set()
    for root in roots:
        for _, element in root.walk():
            if element.value is not None and line in standard.values.lines_of(element, line.severity):
                found.add(f"{element.name} ({element.codes})" if line.on == "codes" else element.name)
    return found


def _words(standard: Standard, line: RuleLine | ValueLine) -> dict[str, str]:
    zh, en = standard.book.mends.get(line.id, ("", ""))
    return {
        "result": line.result,
        "severity": line.severity,
        "zh": line.zh,
        "en": line.en,
        "mend_zh": zh,
        "mend_en": en,
    }
