"""The pages of the message types, and the overview of them all."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.standard.catalogue import MessageType
from gateway.standard.changes import Version
from gateway.standard.model import Element, ValueType
from gateway.standard.reference.lists import rules_table
from gateway.standard.reference.pages import YES, Block, Heading, Page, Paragraph, Table
from gateway.standard.ruledocs import rule_rows

_ELEMENTS = (
    ("要素", "Element"), ("含义", "Meaning"), ("英文含义", "Meaning in English"), ("类型", "Type"), ("次数", "Occurs"),
    ("代码表", "Code table"), ("约束与敏感性", "Limits, sensitivity"), ("来源", "Source"),
)  # fmt: skip
_SENSITIVE = {"personal": "个人信息 personal", "account": "账号 account"}


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
        ("涉及资金", "Moves money", YES if kind.money else ""),
        ("事实，不因状态拒收", "A fact, never refused for the state", YES if kind.fact else ""),
        ("主键含版本", "The key has a version", YES if kind.versioned else ""),
    )
    blocks: list[Block] = [
        Table(
            (("项", "What"), ("值", "Value")), tuple((f"{zh} {en}", text) for zh, en, text in facts if text)
        ),
        Heading(("要素", "Elements")),
        _elements(root),
    ]
    rows = rule_rows(version, kind.number)
    if rows:
        blocks += [Heading(("规则", "Rules")), rules_table(rows, with_types=False)]
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
