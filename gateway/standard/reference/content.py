"""What the reference says: each page made from a version's schemas, rules and code tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.standard.catalogue import MessageType
from gateway.standard.changes import Version
from gateway.standard.codes import Code, CodeTables
from gateway.standard.model import Element, ValueType
from gateway.standard.reference.pages import Block, Heading, Page, Paragraph, Table

_ELEMENTS = (
    ("要素", "Element"), ("含义", "Meaning"), ("英文含义", "Meaning in English"), ("类型", "Type"), ("次数", "Occurs"),
    ("代码表", "Code table"), ("约束与敏感性", "Limits, sensitivity"), ("来源", "Source"),
)  # fmt: skip
_SENSITIVE = {"personal": "个人信息 personal", "account": "账号 account"}
_YES = "✓"


def _anchor(kind: MessageType) -> str:
    return f"t{kind.number}"


def _file(kind: MessageType) -> str:
    return f"{kind.number}-{kind.name}.md"


def overview(version: Version) -> Page:
    """What there is: the types, how to read their pages, the head, the simple types."""
    kinds = version.schemas.catalogue
    steps = version.codes.get("biz-type") if version.codes is not None else None
    rows = tuple(
        (
            f"`{kind.number}`", f"`{kind.name}`", kind.title_zh, kind.title_en,
            steps.name(kind.step) if steps is not None else kind.step, kind.flow, f"`{_key(kind)}`",
        )
        for kind in kinds
    )  # fmt: skip
    head = (
        ("编号", "Number"), ("名称", "Name"), ("报文", "Message"), ("英文", "In English"), ("步骤", "Step"),
        ("流向", "Flow"), ("业务主键", "Business key"),
    )  # fmt: skip
    blocks: list[Block] = [
        Paragraph(
            (
                "本文由模式（`schemas/standard`）、代码表（`schemas/codes`）和规则生成，每个报文一页（`types/`），"
                "另有规则（`rules.md`）、代码表（`codes.md`）、JSON Schema（`json-schema/`）和单页 HTML（`index.html`）。",
                "Written from the schemas (`schemas/standard`), code tables (`schemas/codes`) and rules: a page a type "
                "(`types/`), the rules (`rules.md`), the code tables (`codes.md`), JSON Schemas (`json-schema/`) and all of it "
                "as one HTML page (`index.html`).",
            )
        ),
        Heading(("报文", "Messages")),
        Table(head, rows),
        Heading(("如何阅读", "How to read the pages")),
        Paragraph(
            (
                "“来源”：全大写为国家数据规范的标签，驼峰为凭证或发票的要素，小写为预算管理一体化的字段，(P) 为本标准提出。"
                "金额以元计，两位小数，为文本。JSON 形式保留名称，可重复的要素为数组，计数为整数，其余为文本。",
                "Source: UPPER_CASE is a tag of the national data specification, CamelCase an element of a voucher or invoice, "
                "snake_case a column of 一体化, (P) a proposal of this standard. Amounts are in yuan with two decimals, as text. The "
                "JSON form keeps the names; what may repeat is a list, counters are integers, everything else is text.",
            )
        ),
        Heading(("报文头", "Head of every message")),
        _elements(version.schemas.head),
        Heading(("简单类型", "Simple types")),
        _simple_types(version),
    ]
    return Page("README.md", "standard", ("数据标准参考", "Reference of the data standard"), tuple(blocks))


def _key(kind: MessageType) -> str:
    text = "|".join(kind.key)
    return f"sm3({text})" if kind.hashed_key else text


def type_page(version: Version, kind: MessageType) -> Page:
    root = version.schemas.roots[kind.number]
    facts = (
        ("步骤", "Step", kind.step),
        ("流向", "Flow", kind.flow),
        ("业务主键", "Business key", f"`{_key(kind)}`"),
        ("同步应答", "Answered by", f"`{kind.answer}`" if kind.answer else ""),
        ("通道", "Lane", kind.lane),
        ("涉及资金", "Moves money", _YES if kind.money else ""),
        ("事实，不因状态拒收", "A fact, never refused for the state", _YES if kind.fact else ""),
        ("主键含版本", "The key has a version", _YES if kind.versioned else ""),
    )
    blocks: list[Block] = [
        Table(
            (("项", "What"), ("值", "Value")), tuple((f"{zh} {en}", text) for zh, en, text in facts if text)
        ),
        Heading(("要素", "Elements")),
        _elements(root),
    ]
    lines = [line for line in version.rules.values() if kind.number in _types_of(line)]
    if lines:
        blocks += [Heading(("规则", "Rules")), _rules(lines)]
    title = (f"{kind.number} {kind.title_zh}", f"{kind.name}: {kind.title_en}")
    return Page(f"types/{_file(kind)}", _anchor(kind), title, tuple(blocks))


def _elements(root: Element) -> Table:
    rows = tuple(
        (
            f"`{path}`",
            element.zh,
            element.en,
            f"`{element.value.name}`" if element.value is not None else "",
            _occurs(element),
            _codes(element),
            "; ".join(_limits(element)),
            element.source,
        )
        for path, element in root.walk()
    )
    return Table(_ELEMENTS, rows)


def _occurs(element: Element) -> str:
    low, high = element.minimum, element.maximum
    return str(low) if low == high else f"{low}..{high}"


def _codes(element: Element) -> str:
    if not element.codes:
        return ""
    more = "（开放 open）" if element.codes_open else ""
    several = f"，以 {element.codes_separator} 分隔 separated" if element.codes_separator else ""
    return f"`{element.codes}`{more}{several}"


def _limits(element: Element) -> Iterator[str]:
    if element.gbk_max:
        yield f"GBK ≤ {element.gbk_max}"
    if element.gbk_warn:
        yield f"GBK > {element.gbk_warn} 提示 warned of"
    if element.code_type:
        yield f"代码类型见 kind in `{element.code_type}`"
    if element.sensitive:
        yield _SENSITIVE[element.sensitive]


def _simple_types(version: Version) -> Table:
    found: dict[str, ValueType] = {}
    for root in (version.schemas.head, *version.schemas.roots.values()):
        found |= {one.value.name: one.value for _, one in root.walk() if one.value is not None}
    rows = tuple(
        (f"`{name}`", found[name].zh, found[name].en, "; ".join(_facets(found[name])), found[name].check)
        for name in sorted(found)
    )
    head = (
        ("类型", "Type"),
        ("含义", "Meaning"),
        ("英文含义", "In English"),
        ("形式", "Form"),
        ("校验", "Check"),
    )
    return Table(head, rows)


def _facets(kind: ValueType) -> Iterator[str]:
    if kind.integer:
        yield "整数 integer"
    if kind.pattern_text:
        yield f"`{kind.pattern_text}`"
    if kind.max_length is not None:
        yield f"{kind.min_length}..{kind.max_length} 字符 characters"
    if kind.min_value is not None or kind.max_value is not None:
        yield f"{kind.min_value}..{kind.max_value}"
    if kind.enumeration:
        yield " ".join(kind.enumeration)


def rules(version: Version) -> Page:
    text = (
        "模式无法表达的要素间规则；校验位、代码表和 GBK 长度见各报文。",
        "What schemas cannot say between elements; check digits, code tables and lengths in GBK stand with the messages.",
    )
    lines = list(version.rules.values())
    return Page("rules.md", "rules", ("规则", "Rules"), (Paragraph(text), _rules(lines, with_types=True)))


def _types_of(line: Mapping[str, Any]) -> list[str]:
    said = line["types"]
    return [said] if isinstance(said, str) else list(said)


def _rules(lines: list[Mapping[str, Any]], *, with_types: bool = False) -> Table:
    head = (
        ("规则", "Rule"), *((("报文", "Messages"),) if with_types else ()), ("位置", "Place"), ("条件", "Condition"),
        ("级别", "Severity"), ("结果码", "Result"), ("含义", "Meaning"), ("英文含义", "In English"),
    )  # fmt: skip
    return Table(head, tuple(_rule(line, with_types) for line in lines))


def _rule(line: Mapping[str, Any], with_types: bool) -> tuple[str, ...]:
    place = "/".join(str(line[name]) for name in ("each", "path") if line.get(name))
    said = ("id", "types", "each", "path", "severity", "result", "zh", "en")
    condition = ", ".join(f"{name}: {_plain(value)}" for name, value in line.items() if name not in said)
    return (
        f"`{line['id']}`", *((" ".join(_types_of(line)),) if with_types else ()), f"`{place}`", condition,
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
        (f"`{note.id}`", note.zh, note.en, str(len(codes.get(note.id))), "" if note.fixed else _YES)
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
