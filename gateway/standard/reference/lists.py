"""The pages that list: rules, code tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.standard.changes import Version
from gateway.standard.codes import Code, CodeTables
from gateway.standard.reference.pages import YES, Block, Heading, Page, Paragraph, Table


def rules(version: Version) -> Page:
    text = (
        "模式无法表达的要素间规则；校验位、代码表和 GBK 长度见各报文。",
        "What schemas cannot say between elements; check digits, code tables and lengths in GBK stand with the messages.",
    )
    lines = list(version.rules.values())
    return Page(
        "rules.md", "rules", ("规则", "Rules"), (Paragraph(text), rules_table(lines, with_types=True))
    )


def types_of(line: Mapping[str, Any]) -> list[str]:
    """The numbers of the types that a rule is for; none for a rule of single values, which goes by a mark."""
    said = line.get("types", [])
    return [said] if isinstance(said, str) else list(said)


def rules_table(lines: list[Mapping[str, Any]], *, with_types: bool = False) -> Table:
    head = (
        ("规则", "Rule"), *((("报文", "Messages"),) if with_types else ()), ("位置", "Place"), ("条件", "Condition"),
        ("级别", "Severity"), ("结果码", "Result"), ("含义", "Meaning"), ("英文含义", "In English"),
    )  # fmt: skip
    return Table(head, tuple(_rule(line, with_types) for line in lines))


def _rule(line: Mapping[str, Any], with_types: bool) -> tuple[str, ...]:
    place = "/".join(str(line[name]) for name in ("each", "path", "on") if line.get(name))
    said = ("id", "types", "each", "path", "on", "severity", "result", "zh", "en")
    condition = ", ".join(f"{name}: {_plain(value)}" for name, value in line.items() if name not in said)
    return (
        f"`{line['id']}`", *((" ".join(types_of(line)),) if with_types else ()), f"`{place}`", condition,
        str(line.get("severity", "error")), str(line.get("result", "10003")), str(line["zh"]), str(line["en"]),
    )  # fmt: skip


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name} = {_plain(one)}" for name, one in value.items())
    return " ".join(map(_plain, value)) if isinstance(value, list) else str(value)


def code_tables(version: Version) -> Page:
    text = (
        "日期为 `yyyyMMdd`，含首尾，空为不限；代码须在报文日期有效。代码表由文件更改；`code-table` 中的表也可由 9003 报文更改。",
        "Dates are `yyyyMMdd`, both inclusive, empty is open; a code must be valid on the message's date. Tables change by "
        "file, and those in `code-table` also by message 9003.",
    )
    blocks: list[Block] = [Paragraph(text)]
    codes = version.codes
    if codes is not None:
        blocks += [
            _table_of_tables(codes),
            *(one for name in codes.notes for one in _code_table(version, codes, name)),
        ]
    return Page("codes.md", "codes", ("代码表", "Code tables"), tuple(blocks))


def table_page(version: Version, name: str) -> Page:
    """One code table alone; KeyError where there is none."""
    codes = version.codes
    blocks = _code_table(version, codes, name) if codes is not None else []
    return Page("codes.md", name, ("代码表", "Code table"), tuple(blocks))


def _table_of_tables(codes: CodeTables) -> Table:
    head = (
        ("代码表", "Table"), ("名称", "Name"), ("英文名称", "In English"), ("代码数", "Codes"), ("`code-table`", "by 9003")
    )  # fmt: skip
    rows = tuple(
        (f"`{note.id}`", note.zh, note.en, str(len(codes.get(note.id))), "" if note.fixed else YES)
        for note in codes.notes.values()
    )
    return Table(head, rows)


def _code_table(version: Version, codes: CodeTables, name: str) -> list[Block]:
    note = codes.notes[name]
    rows = [row for row in codes.get(name).all_rows if row.code.startswith(note.shown) or row.valid_to]
    zh, en = f"来源：{note.source}。", f"Source: {note.source}."
    used = " ".join(f"`{place}`" for place in _used(version, name))
    if used:
        zh, en = f"{zh}用于 {used}。", f"{en} Used in {used}."
    if note.fixed:
        zh, en = f"{zh}程序依赖其代码，9003 不得更改。", f"{en} Fixed: message 9003 cannot change it."
    if note.shown:
        total = len(codes.get(name))
        zh = f"{zh}共 {total} 个代码，此处只列以 {note.shown} 开头的，其余见文件。"
        en = f"{en} {total} codes; here are those that begin with {note.shown}, the others are in the file."
    head = (
        ("代码", "Code"), ("名称", "Name"), ("英文名称", "In English"), ("上级或对应", "Parent or related"), ("生效", "From"),
        ("失效", "To"),
    )  # fmt: skip
    table = Table(head, tuple(map(_code, rows)))
    return [Heading((f"`{name}` {note.zh}", note.en)), Paragraph((zh, en)), table]


def _code(row: Code) -> tuple[str, ...]:
    return f"`{row.code}`", row.name_zh, row.name_en, row.parent, row.valid_from, row.valid_to


def _used(version: Version, table: str) -> Iterator[str]:
    """Message and element, the first element of a message only."""
    for number, root in (("Head", version.schemas.head), *version.schemas.roots.items()):
        found = next((path for path, one in root.walk() if one.codes == table), "")
        if found:
            yield f"{number} {found}"
