"""What the columns of a field table are called, and which row holds their names.

The synonyms are those of the national specification and of its provincial kin. A column whose heading says
nothing is told by what stands in it (`complete`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.mapping.draft.workbook import Sheet, key

_SYNONYMS: dict[str, str] = {
    "name": "名称 中文名称 中文名 中文 数据项 数据项名称 数据项中文名 数据项中文名称 字段中文名 字段中文名称 中文字段名 中文字段名称"
    " 中文含义 含义 指标名称 数据元 数据元名称 数据元素 数据元素名称 元素名称 信息项 信息项名称 属性名称 要素 要素名称 要素项"
    " 项名称 栏目名称 参数中文名 标签名称 指标项 数据名称 内容项 采集项 汉语名称 displayname chinesename",
    "en": "英文名称 英文名 英文 英文字段名 英文字段名称 字段英文名 字段英文名称 数据项英文名 数据项英文名称 字段代码 字段标识"
    " 标识 标识符 英文标识 英文标识符 英文缩写 英文简称 英文代码 元素名 标签 标签名 元素标签 列名 参数名 参数 变量名 节点名"
    " 节点名称 xml标签 物理字段名 物理名称 数据库字段名 数据项代码 数据项标识 拼音缩写 拼音名 短名 field fieldname column"
    " columnname englishname tag element code 字段编码",
    "field": "字段名 字段名称 字段 属性名 参数名称 name 键名",
    "type": "数据类型 类型 字段类型 数据项类型 值类型 参数类型 数据元类型 type datatype 数据类别",
    "format": "数据格式 格式 表示格式 表示形式 数据表示 表示 数据类型及格式 数据类型与格式 类型及长度 类型/长度 数据类型及长度"
    " 数据类型/长度 类型与长度 类型长度 类型格式 数据类型(长度) 类型(长度) 格式与长度 字段类型及长度 format",
    "length": "长度 数据长度 字段长度 最大长度 字段大小 位数 字节数 长度(字节) 长度(位) 长度(字符) length size 数据项长度",
    "decimals": "小数位 小数位数 精度 小数 小数点位数 scale precision",
    "values": "值域 取值范围 值域范围 取值 允许值 代码集 代码集名称 字典 数据字典 代码表 枚举值 值域说明 值域/代码 值域代码"
    " 引用标准 引用代码 代码值 字典项 可选值 值域及说明 标准代码",
    "required": "必填项 必填 是否必填 是否必填项 必选 是否必选 必选项 必需 是否必需 是否必须 必须 必录 约束 约束条件 约束/条件"
    " 约束性 必填/可选 必填性 必备 填报要求 填写要求 必输 是否必输 必输项 必传 是否必传 出现次数 可选性 选择性 强制性"
    " required mandatory m/o 是否非空 非空 约束类型",
    "nullable": "可空 是否可空 是否为空 允许为空 是否允许为空 可否为空 能否为空 空值 允许空 可为空 是否可以为空 nullable null",
    "scope": "公开范围 公开属性 公开级别 公开类型 共享属性 共享范围 共享类型 公开性 开放属性",
    "note": "备注 说明 描述 备注说明 填写说明 注释 字段说明 字段描述 数据项说明 定义 解释 示例 样例 备注信息 补充说明 remark"
    " remarks comment description note 填报说明 业务说明 规则说明 校验规则",
    "number": "序号 编号 no no. 行号 id 序",
}  # fmt: skip
_ROLES: dict[str, str] = {key(one): role for role, words in _SYNONYMS.items() for one in words.split()}
_DECORATION = re.compile(r"[*:;,.、·_\-()\[\]{}<>#]+")
_SHAPE = frozenset(("type", "format", "length", "values", "required", "nullable"))
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
_HAN = re.compile(r"[㐀-鿿]")


@dataclass(slots=True)
class Heading:
    """Row numbers count from 0. `roles`: column → role; `loose`: texts of the heading row that are no
    headings, in the columns' order (some tables write number, English and Chinese name there)."""

    row: int
    last_row: int
    roles: dict[int, str] = field(default_factory=dict)
    loose: dict[int, str] = field(default_factory=dict)

    def column(self, role: str) -> int | None:
        return next((column for column, one in self.roles.items() if one == role), None)


def role_of(text: str) -> str:
    """ "" where it is no heading. `必填项*`, `数据格式（长度）` and `英 文 名` are."""
    plain = key(text)
    if not plain or len(plain) > 24:
        return ""
    for one in (plain, _DECORATION.sub("", plain), re.sub(r"\(.*?\)", "", plain).strip("*:")):
        if one in _ROLES:
            return _ROLES[one]
    return ""


def find_heading(sheet: Sheet, row: int) -> Heading | None:
    """The heading that starts at this row, of one or two rows; None where it is no heading."""
    roles, loose = _roles(sheet, row)
    if len(set(roles.values()) & _SHAPE) < 2 and not (
        set(roles.values()) & _SHAPE and set(roles.values()) & {"name", "en", "field"}
    ):
        return None
    if len(set(roles.values())) < 3 or len(loose) > len(roles):
        return None
    _take_row_above(sheet, row, roles)
    found = Heading(row, row, roles, loose)
    if row + 1 < len(sheet.rows):
        _take_second_row(sheet, found)
    found.roles = _once(found.roles)
    return found


def _take_row_above(sheet: Sheet, row: int, roles: dict[int, str]) -> None:
    """Beside headings of groups, one that is merged over both rows names its column in the upper."""
    for column, text in enumerate(sheet.rows[row - 1] if row else ()):
        role = role_of(text)
        if (
            role
            and role not in roles.values()
            and (column >= len(sheet.rows[row]) or sheet.rows[row][column] in ("", text))
        ):
            roles[column] = role


def side_by_side(sheet: Sheet) -> list[Sheet]:
    """The sheet itself, or its halves where two tables stand beside each other under one row of headings."""
    for row in range(len(sheet.rows)):
        cut = _second_start(sheet, row)
        if cut:
            left = Sheet(sheet.name, tuple(cells[:cut] for cells in sheet.rows), _merged(sheet, 0, cut))
            right = Sheet(
                sheet.name, tuple(cells[cut:] for cells in sheet.rows), _merged(sheet, cut, 1 << 14)
            )
            return [left, *side_by_side(right)]
    return [sheet]


def _second_start(sheet: Sheet, row: int) -> int:
    """The column where the headings begin again; 0 where they do not."""
    seen: set[str] = set()
    found, _ = _roles(sheet, row)
    for column, role in sorted(found.items()):
        if role in seen and role in ("name", "en", "field", "number"):
            rest = {one for place, one in found.items() if place >= column}
            is_whole = all(len(side & _SHAPE) >= 1 and len(side) >= 3 for side in (seen, rest))
            return column if is_whole and (rest & {"name", "en", "field"}) else 0
        seen.add(role)
    return 0


def _merged(sheet: Sheet, first: int, end: int) -> dict[tuple[int, int], str]:
    return {
        (row, column - first): text for (row, column), text in sheet.merged.items() if first <= column < end
    }


def _roles(sheet: Sheet, row: int) -> tuple[dict[int, str], dict[int, str]]:
    roles: dict[int, str] = {}
    loose: dict[int, str] = {}
    for column, text in enumerate(sheet.rows[row]):
        role = role_of(text)
        if role:
            roles[column] = role
        elif text:
            loose[column] = text
    return roles, loose


def _take_second_row(sheet: Sheet, found: Heading) -> None:
    """A heading of two rows: 数据类型 over 类型 and 长度. Every text of the second must be a heading."""
    roles, loose = _roles(sheet, found.row + 1)
    if roles and not loose and len(roles) <= len(found.roles):
        found.roles.update(roles)
        found.last_row = found.row + 1


def _once(roles: Mapping[int, str]) -> dict[int, str]:
    """Each role once, the first; what stands twice beside is a note."""
    found: dict[int, str] = {}
    for column, role in sorted(roles.items()):
        if role not in found.values():
            found[column] = role
        elif role != "number":
            found[column] = "note" if "note" not in found.values() else f"note {column}"
    return found


def complete(sheet: Sheet, heading: Heading, rows: Sequence[int]) -> None:
    """Gives `name`, `en`, `type` and `format` to the columns whose contents are such, where no heading did."""
    columns = range(max((len(sheet.rows[row]) for row in rows), default=0))
    texts = {column: [text for row in rows if (text := sheet.at(row, column))] for column in columns}
    doubtful = heading.column("field")
    if doubtful is not None:
        taken = set(heading.roles.values())
        is_english = _share(texts.get(doubtful, []), is_identifier) >= 0.6
        other = "en" if is_english else "name"
        heading.roles[doubtful] = other if other not in taken else ("name" if other == "en" else "en")
    for role, test in (("en", is_identifier), ("name", _is_name), ("type", is_type)):
        if heading.column(role) is not None:
            continue
        shares = {
            column: _share(texts[column], test)
            for column in columns
            if heading.roles.get(column, "note") in ("note", "number") and len(texts[column]) * 2 >= len(rows)
        }
        best = max(shares, key=lambda column: (shares[column], -column), default=None)
        if best is not None and shares[best] >= 0.6:
            heading.roles[best] = role


def _share(texts: Sequence[str], test: object) -> float:
    assert callable(test)
    return sum(bool(test(text)) for text in texts) / len(texts) if texts else 0.0


def is_identifier(text: str) -> bool:
    return bool(IDENTIFIER.fullmatch(key(text))) and not is_type(text)


def _is_name(text: str) -> bool:
    return bool(_HAN.search(text)) and len(text) <= 40 and not is_type(text)


def is_type(text: str) -> bool:
    return key(text) in _TYPE_WORDS or key(text).endswith("型")


_TYPE_WORDS = frozenset(
    [
        "字符",
        "字符串",
        "文本",
        "数值",
        "数字",
        "日期",
        "时间",
        "日期时间",
        "整数",
        "小数",
        "布尔",
        "金额",
        "string",
        "varchar",
        "varchar2",
        "nvarchar",
        "char",
        "text",
        "number",
        "decimal",
        "int",
        "integer",
        "bigint",
        "date",
        "datetime",
        "timestamp",
        "double",
        "float",
        "boolean",
        "clob",
    ]
)
