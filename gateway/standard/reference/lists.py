"""The pages that list: rules, code tables."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.standard.changes import Version
from gateway.standard.codes import Code, CodeTables
from gateway.standard.reference.pages import YES, Block, Heading, Page, Paragraph, Table
from gateway.standard.ruledocs import rule_rows


def rules(version: Version) -> Page:
    text = (
        "模式无法表达的规则：单个取值的（校验位、代码表、GBK 长度；位置列出适用的要素）和要素之间的。最后两列说明如何更正。",
        "What schemas cannot say: of single values (check digits, code tables, lengths in GBK; the place names their elements) "
        "and between elements. The last two columns say how to mend what breaks a rule.",
    )
    return Page("rules.md", "rules", ("规则", "Rules"), (Paragraph(text), rules_table(rule_rows(version))))


def rules_table(rows: list[dict[str, str]], *, with_types: bool = True) -> Table:
    head = (
        ("规则", "Rule"), *((("报文", "Messages"),) if with_types else ()), ("位置", "Place"), ("条件", "Condition"),
        ("级别", "Severity"), ("结果码", "Result"), ("含义", "Meaning"), ("英文含义", "In English"), ("更正", "Mend"),
        ("英文更正", "Mend, in English"),
    )  # fmt: skip
    return Table(head, tuple(_rule(row, with_types) for row in rows))


def _rule(row: dict[str, str], with_types: bool) -> tuple[str, ...]:
    said = ("condition", "severity", "result", "zh", "en", "mend_zh", "mend_en")
    types = (row["types"],) if with_types else ()
    return f"`{row['id']}`", *types, f"`{row['path']}`", *(row[name] for name in said)


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
