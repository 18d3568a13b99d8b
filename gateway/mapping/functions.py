"""Every function of the language, declared once: name, arguments, result, one example, what it is for.

The checker reads the arguments, the compiler and the tracer call what `make` gives, the reference in the
docs is written from here and every example is run as a test. `make` takes the constant arguments by name and
returns what runs on the others, in their order; it is None for a form that the compiler knows itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.mapping import dates, numbers, texts
from gateway.mapping.kinds import ANY, BOOLEAN, LIST, NUMBER, TEXT, Kind, list_of
from gateway.registry import Registry

REQUIRED = object()
TEXTS = list_of(TEXT)
NUMBERS = list_of(NUMBER)


@dataclass(frozen=True, slots=True)
class Param:
    """`constant`: must be written in the mapping, not read from the message. `check` raises ValueError."""

    name: str
    kind: Kind
    constant: bool = False
    default: Any = REQUIRED
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 1_000_000
    may_be_absent: bool = False  # given, and absent in the message: no fault
    refuses_zero: bool = False
    check: Callable[[str], None] | None = None

    @property
    def is_required(self) -> bool:
        return self.default is REQUIRED


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    params: tuple[Param, ...]
    result: Kind
    make: Callable[..., Callable[..., Any]] | None
    example: tuple[str, dict[str, Any], Any]  # expression, record, what comes out of it
    en: str
    zh: str
    variadic: bool = False  # the last parameter may be given more than once
    is_total: bool = False  # refuses no value, unless for its size
    inline: Callable[..., str] | None = None  # (a variable's name, constants) → the same as an expression


functions: Registry[Function] = Registry("function")


def _constant_text(name: str, default: Any = REQUIRED, **more: Any) -> Param:
    return Param(name, TEXT, constant=True, default=default, **more)


def _constant_count(name: str, default: Any = REQUIRED, *, low: int = 0, high: int = 100_000) -> Param:
    return Param(name, NUMBER, constant=True, default=default, low=low, high=high)


def _plain(run: Callable[..., Any]) -> Callable[..., Callable[..., Any]]:
    return lambda: run


def _not_empty(text: str) -> None:
    if not text:
        raise ValueError("must not be empty")


def _letter(text: str) -> None:
    if len(text) != 1:
        raise ValueError("must be one character")


_ENCODING = _constant_text("encoding", "characters", choices=("characters", "GBK", "GB18030", "UTF-8"))
_MODE = _constant_text("mode", "half-up", choices=tuple(numbers.MODES))
_VALUE = Param("text", TEXT)
_NUMBER = Param("number", NUMBER)

_ALL = (
    # Text
    Function("trim", (_VALUE,), TEXT, _plain(str.strip), ("A | trim", {"A": " x　"}, "x"),
             "without white space at both ends", "去掉首尾空白", is_total=True, inline=lambda v: f"{v}.strip()"),
    Function("upper", (_VALUE,), TEXT, _plain(texts.upper), ("A | upper", {"A": "9f"}, "9F"),
             "in capital letters; a letter whose capital form is longer stays", "转为大写；大写后变长的字母不变", is_total=True),
    Function("lower", (_VALUE,), TEXT, _plain(texts.lower), ("A | lower", {"A": "9F"}, "9f"),
             "in small letters; a letter whose small form is longer stays", "转为小写；小写后变长的字母不变", is_total=True),
    Function("concat", (Param("text", TEXT),), TEXT, None, ('concat(A, "-", B)', {"A": "1", "B": "2"}, "1-2"),
             "the texts one after the other, as & does; absent if one is absent", "依次连接，与 & 相同；有一项为空则为空",
             variadic=True),
    Function("join", (Param("list", TEXTS), _constant_text("separator", "")), TEXT,
             lambda separator: texts.join(separator), ('A | join(";")', {"A": ["x", "y"]}, "x;y"),
             "a list as one text, without its absent items", "把列表连成一个文本，空项除外"),
    Function("split", (_VALUE, _constant_text("separator", check=_not_empty)), TEXTS,
             lambda separator: texts.split(separator), ('A | split(";") | count', {"A": "x;y"}, "2"),
             "a text as a list, cut at the separator", "按分隔符拆成列表", is_total=True),
    Function("substring", (_VALUE, _constant_count("start", low=1), _constant_count("length", None)), TEXT,
             lambda start, length: texts.substring(start, length),
             ("A | substring(1, 8)", {"A": "20240408170000"}, "20240408"),
             "a part of the text: from which character (the first is 1), how many", "截取：从第几个字符起，取几个",
             is_total=True, inline=lambda v, start, length: f"{v}[{texts.slice_text(start, length)}]"),
    Function("pad", (_VALUE, _constant_count("width", high=1000), _constant_text("with", "0", check=_letter),
                     _constant_text("side", "left", choices=("left", "right"))), TEXT,
             lambda width, side, **letter: texts.pad(width, letter["with"], side),
             ("A | pad(3)", {"A": "7"}, "007"),
             "filled up to a width", "补足到指定长度", is_total=True),
    Function("replace", (_VALUE, _constant_text("old", check=_not_empty), _constant_text("new")), TEXT,
             lambda old, new: texts.replace(old, new), ('A | replace("-", "")', {"A": "2024-04"}, "202404"),
             "every occurrence of a text by another", "替换文本", is_total=True),
    Function("digits", (_VALUE,), TEXT, _plain(lambda text: "".join(filter("0123456789".__contains__, text))),
             ("A | digits", {"A": "021-6323"}, "0216323"), "only the digits", "只留数字", is_total=True),
    Function("cut", (_VALUE, _constant_count("most", low=1), _ENCODING), TEXT,
             lambda most, encoding: texts.cut(most, encoding),
             ('A | cut(3, encoding: "GBK")', {"A": "上海市"}, "上"),
             "cut off at a length, in characters or bytes; never through a character", "按长度截断，不会截断半个字"),
    Function("fit", (_VALUE, _constant_count("most", low=1), _ENCODING), TEXT,
             lambda most, encoding: texts.fit(most, encoding),
             ('A | fit(6, encoding: "GBK")', {"A": "上海市"}, "上海市"),
             "refused if longer, in characters or bytes", "超长则拒收"),
    Function("matches", (_VALUE, _constant_text("pattern", check=texts.check_pattern)), BOOLEAN,
             lambda pattern: texts.matches(pattern),
             ('if(matches(A, "[0-9]{3}"), "1", "0")', {"A": "123"}, "1"),
             "whether the whole text has this form (a regular expression)", "整个文本是否符合格式（正则表达式）"),
    Function("code", (_VALUE, _constant_text("table"), Param("reverse", BOOLEAN, constant=True, default=False),
                      _constant_text("to", "", choices=("", "code", "name_zh", "name_en", "parent")),
                      Param("else", TEXT, default=None, may_be_absent=True)), TEXT,
             lambda rows, table: texts.code(rows, table),
             ('A | code("unit")', {"A": "万元"}, "1"),
             "by a code table: refused without a row, unless `else` says what then", "按代码表转换；表中没有则拒收，else 另行指定除外"),
    # Numbers
    Function("amount", (_NUMBER, Param("unit", TEXT, default=None)), TEXT, _plain(numbers.amount),
             ("A | amount(unit: U)", {"A": "1144.5", "U": "1"}, "11445000.00"),
             "yuan with two decimals, exact; unit 0 is yuan, 1 ten thousand", "金额，元，两位小数；单位 0 元，1 万元"),
    Function("fixed", (_NUMBER, _constant_count("places", high=20)), TEXT,
             lambda places: numbers.fixed(places), ("A | fixed(2)", {"A": "7.5"}, "7.50"),
             "with so many decimals; refused if it has more", "固定小数位数；位数更多则拒收"),
    Function("round", (_NUMBER, _constant_count("places", high=20), _MODE), NUMBER,
             lambda places, mode: numbers.rounded(places, mode), ("A | round(1)", {"A": "7.25"}, "7.3"),
             "rounded to so many decimals", "舍入到指定位数"),
    Function("add", (_NUMBER, Param("other", NUMBER)), NUMBER, _plain(numbers.add),
             ("A | add(B)", {"A": "0.10", "B": "0.2"}, "0.30"), "the sum, exact", "加"),
    Function("sub", (_NUMBER, Param("other", NUMBER)), NUMBER, _plain(numbers.subtract),
             ("A | sub(B)", {"A": "1", "B": "0.9"}, "0.1"), "the difference, exact", "减"),
    Function("mul", (_NUMBER, Param("other", NUMBER)), NUMBER, _plain(numbers.multiply),
             ("A | mul(100)", {"A": "0.125"}, "12.500"), "the product, exact", "乘"),
    Function("div", (_NUMBER, Param("other", NUMBER, refuses_zero=True), _constant_count("places", None, high=20), _MODE), NUMBER,
             lambda places, mode: numbers.divide(places, mode),
             ("A | div(3, places: 2)", {"A": "1"}, "0.33"),
             "the quotient; without `places` it must be exact", "除；不写 places 时须除尽"),
    # Dates
    Function("date", (_VALUE, _constant_text("format", check=lambda form: dates.check_format(form, time=False)),
                      _constant_text("to", dates.DATE, check=lambda form: dates.check_format(form, time=False))), TEXT,
             lambda format, to: dates.convert(format, to),
             ('A | date("yyyy-MM-dd")', {"A": "2024-04-08"}, "20240408"),
             "a day, read in one format and written in another", "日期格式转换"),
    Function("datetime", (_VALUE, _constant_text("format", check=lambda form: dates.check_format(form, time=True)),
                          _constant_text("to", dates.DATETIME,
                                         check=lambda form: dates.check_format(form, time=False))), TEXT,
             lambda format, to: dates.convert(format, to),
             ('A | datetime("yyyy-MM-ddTHH:mm:ssXXX")', {"A": "2024-04-08T09:00:00Z"}, "20240408170000"),
             "a time, read in one format and written in another, in Beijing time", "时间格式转换，北京时间"),
    # Lists
    Function("sum", (Param("list", NUMBERS),), NUMBER, _plain(numbers.total),
             ("A | sum", {"A": ["0.10", "0.20"]}, "0.30"), "the sum of a list; absent if it is empty", "合计；列表为空则为空"),
    Function("count", (Param("list", LIST),), NUMBER, None, ("A | count", {"A": ["x", "y"]}, "2"),
             "how many items", "项数"),
    Function("first", (Param("list", LIST),), ANY, None, ("A | first", {"A": ["x", "y"]}, "x"),
             "the first item", "第一项"),
    Function("only", (Param("list", LIST),), ANY, None, ("A | only", {"A": ["x"]}, "x"),
             "the one item; refused if there are more", "唯一一项；多于一项则拒收"),
    Function("zip", (Param("list", LIST),), LIST, None,
             ('zip(A | split(";"), B | split(";")) | count', {"A": "x;y", "B": "1;2"}, "2"),
             "lists in step, as $1, $2 …; refused if they differ in length", "多个列表并行，依次为 $1、$2…；长度不一则拒收",
             variadic=True),
    # Forms
    Function("default", (Param("value", ANY), Param("otherwise", ANY)), ANY, None,
             ('A | default("156")', {}, "156"), "another value where this one is absent", "为空时取另一个值"),
    Function("if", (Param("condition", BOOLEAN), Param("then", ANY), Param("otherwise", ANY, default=None)), ANY, None,
             ('if(A = "1", "yes", "no")', {"A": "1"}, "yes"), "one value or another, by a condition", "按条件取值"),
    Function("position", (), NUMBER, None, ("position()", {}, "1"),
             "the number of the current item of `each`, from 1", "当前项的序号，从 1 起"),
    Function("contains", (_VALUE, _constant_text("part", check=_not_empty)), BOOLEAN,
             lambda part: lambda text: part in text, ('if(contains(A, "海"), "1", "0")', {"A": "上海"}, "1"),
             "whether a text holds another", "是否含有",
             is_total=True, inline=lambda v, part: f"{part!r} in {v}"),
    Function("starts-with", (_VALUE, _constant_text("part", check=_not_empty)), BOOLEAN,
             lambda part: lambda text: text.startswith(part),
             ('if(starts-with(A, "31"), "1", "0")', {"A": "310115"}, "1"),
             "whether a text begins with another", "是否以此开头",
             is_total=True, inline=lambda v, part: f"{v}.startswith({part!r})"),
)  # fmt: skip
for _function in _ALL:
    functions.add(_function.name, _function)
