"""How a field table writes a type: `C..200`, `N..20,6`, `an..50`, `VARCHAR2(50)`, `yyyyMMdd`, 字符型 and a length.

Read into what XML Schema can say. What is not understood stays free text and says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gateway.mapping.draft.workbook import key

TEXT, NUMBER, DATE, BOOLEAN = "text", "number", "date", "boolean"


@dataclass(frozen=True, slots=True)
class Notation:
    """`written`: as the table has it. Lengths in characters, None without a bound; of a number `digits`
    before the point and `decimals` after; `form` of a date, as `yyyyMMddHHmmss`."""

    kind: str
    written: str = ""
    least: int = 0
    most: int | None = None
    digits: int | None = None
    decimals: int = 0
    form: str = ""
    notes: tuple[str, ...] = ()


_UP_TO = r"(?:\.{1,3}|~|-|—|至|≤|<=)"
_CODED = re.compile(
    rf"(?P<letter>an|ans|a|c|v|s|x|n|d|dt|t|b)(?P<open>{_UP_TO}?\(?{_UP_TO}?)(?P<a>\d+|ul|u|max|n)?"
    rf"(?:(?:\.\.+|~|-|—|至)(?P<b>\d+|ul))?(?:[,.，](?P<dec>\d+))?\)?"
)
_SIZED = re.compile(
    r"(?P<word>[a-z一-鿿]+2?)\s*[\[(](?P<a>\d+|max)?(?:byte|char|字节|字符|位)?(?:[,，](?P<dec>\d+))?[\])]"
)


def _each(kind: str, words: str) -> dict[str, str]:
    return dict.fromkeys(words.split(), kind)


_WORDS = {
    **_each(
        TEXT,
        "字符型 字符 字符串 字符串型 文本 文本型 字母数字 字母数字型 大文本 长文本 备注型 varchar varchar2 nvarchar nvarchar2 char "
        "nchar text longtext clob nclob string enum 枚举 枚举型 代码型 编码型 代码 可变字符 变长字符 c an a v",
    ),
    **_each(
        NUMBER,
        "数值型 数值 数字 数字型 整数 整数型 整型 长整型 长整数 浮点型 浮点 小数 金额 金额型 货币 货币型 双精度 实数 百分比 百分数 number numeric decimal "
        "int integer bigint smallint tinyint long float double money bigdecimal n",
    ),
    **_each(
        DATE,
        "日期时间型 日期型 时间型 日期 时间 日期时间 date datetime timestamp time d dt t 时间戳 年月",
    ),
    **_each(
        BOOLEAN,
        "布尔型 布尔 逻辑型 boolean bool bit b",
    ),
}
_WHOLE = frozenset(_each("", "整数 整数型 整型 长整型 长整数 int integer bigint smallint tinyint long"))
_DATE_TOKEN = re.compile(
    r"y{2,4}|年|m{1,2}|月|d{1,2}|日|h{1,2}|时|s{1,3}|秒|f{1,3}|分|t|z|[-/:.\s'+]", re.IGNORECASE
)
_WRITTEN_DATE = re.compile(r"y{4}[ymdhsf年月日时分秒\-/:. tz']*[mdhsf年月日时分秒]", re.IGNORECASE)


def read_notation(kind: str, form: str, length: str = "", decimals: str = "", hint: str = "") -> Notation:
    """From the cells 数据类型, 数据格式, 长度, 小数位, any of them empty. `hint`: 值域 and 备注, where the form
    of a date may stand."""
    found = _read(kind, form, length, decimals)
    return _with_form(found, hint, _plain(length)) if found.kind == DATE and not found.form else found


def _with_form(found: Notation, hint: str, length: str) -> Notation:
    told = _WRITTEN_DATE.search(hint)
    form = _date(_plain(told[0])) if told else ""
    if form:
        return replace(found, form=form, notes=())
    by_length = {"8": "yyyyMMdd", "14": "yyyyMMddHHmmss", "17": "yyyyMMddHHmmssSSS"}.get(length, "")
    if by_length:
        return replace(found, form=by_length, notes=(f"the form {by_length} is taken from the length",))
    return found


def _read(kind: str, form: str, length: str, decimals: str) -> Notation:
    written = " ".join(part for part in (kind, form, length) if part)
    words = [_plain(one) for one in (form, length, kind)]
    told = words[2] or words[0]  # the type may stand in the column of its form: 类型(长度)
    by_word = _WORDS.get(told, "") or _word_kind(told)
    if form or kind:
        date = _date(words[0]) or _date(words[2])
        if date and (by_word in ("", DATE) or not _CODED.fullmatch(words[0])):
            return Notation(DATE, written, form=date)
    for text in (words[0], words[2]):
        found = _coded(text, written, by_word) or _sized(text, written)
        if found is not None and (found.most is not None or found.digits is not None or not words[1]):
            return _checked(found, by_word)
    return _worded(by_word, words, _plain(decimals), written)


def _plain(text: str) -> str:
    text = (
        key(text)
        .replace("．", ".")
        .replace("。", ".")
        .replace("‥", "..")
        .replace("…", "..")
        .replace("。", ".")
    )
    return text.strip("；;，,")


def _word_kind(text: str) -> str:
    return next((kind for word, kind in _WORDS.items() if len(word) > 1 and text.startswith(word)), "")


def _date(text: str) -> str:
    """`yyyy-MM-dd HH:mm:ss` in the letters of this house; "" where it is no date form."""
    if not text.startswith("yy") or _DATE_TOKEN.sub("", text):
        return ""
    made, seen_hour = [], False
    for token in _DATE_TOKEN.findall(text):
        low = token.lower()
        if low.startswith("h"):
            seen_hour = True
        if low.startswith("m"):
            made.append(("m" if seen_hour else "M") * len(low))
        elif low.startswith("s"):
            made.append(("S" if "ss" in made else "s") * len(low))
        elif low.startswith("f"):
            made.append("S" * len(low))
        else:
            made.append({"h": "H"}.get(low[0], low[0]) * len(low) if low[0] in "ydh" else token.upper())
    form = "".join(made)
    return form.replace("ddHH", "dd HH") if "-" in form or "/" in form else form


def _coded(text: str, written: str, by_word: str) -> Notation | None:
    found = _CODED.fullmatch(text)
    if found is None or not text:
        return None
    letter, first, second = found["letter"], found["a"], found["b"]
    if letter == "b" and not first:
        return Notation(BOOLEAN, written, 1, 1)
    if letter in ("d", "dt", "t") or (
        letter == "n" and not first and not found["open"] and by_word != NUMBER
    ):
        return _dated(letter, first, written)
    up_to = bool(found["open"]) or second is not None
    last = second or first
    most = None if last is None or not last.isdigit() else int(last)
    if letter == "n" and by_word != TEXT:
        if first and not up_to and found["dec"] is None and by_word in ("", NUMBER):
            return Notation(NUMBER, written, digits=most, decimals=0)
        places = int(found["dec"] or 0)
        return Notation(
            NUMBER, written, digits=None if most is None else max(most - places, 1), decimals=places
        )
    least = int(first) if second and first and first.isdigit() else (0 if up_to or most is None else most)
    return Notation(TEXT, written, max(least, 1), most)


def _dated(letter: str, first: str | None, written: str) -> Notation | None:
    forms = {
        "d8": "yyyyMMdd", "d10": "yyyy-MM-dd", "d14": "yyyyMMddHHmmss", "dt14": "yyyyMMddHHmmss", "d6": "yyyyMM",
        "dt15": "yyyyMMddTHHmmss", "dt19": "yyyy-MM-dd HH:mm:ss", "t14": "yyyyMMddHHmmss", "t6": "HHmmss",
        "d4": "yyyy", "t17": "yyyyMMddHHmmssSSS", "dt17": "yyyyMMddHHmmssSSS",
    }  # fmt: skip
    form = forms.get(f"{letter}{first or ''}")
    if form is None:
        return Notation(DATE, written, notes=(f"no form of date is given ({written}); taken for free text",))
    return Notation(DATE, written, form=form)


def _sized(text: str, written: str) -> Notation | None:
    found = _SIZED.match(text)
    if found is None:
        return None
    kind = _WORDS.get(found["word"], "") or _word_kind(found["word"])
    size = int(found["a"]) if (found["a"] or "").isdigit() else None
    if kind == NUMBER:
        places = int(found["dec"] or 0)
        return Notation(
            NUMBER, written, digits=None if size is None else max(size - places, 1), decimals=places
        )
    if kind in (TEXT, BOOLEAN, ""):
        exact = found["word"] in ("char", "nchar")
        return Notation(TEXT, written, size if exact and size else 1, size)
    return None


def _worded(by_word: str, words: list[str], decimals: str, written: str) -> Notation:
    """A type in words, with the length in a cell of its own or nowhere."""
    kind, size = by_word, re.findall(r"\d+", words[1] or words[0])
    if not kind and re.fullmatch(r"\d+[,.，]\d+", words[1]):
        kind = NUMBER  # only a number has two
    exact = "定长" in words[1] or "固定" in words[1]
    if kind == NUMBER:
        places = int(decimals) if decimals.isdigit() else int(size[1]) if len(size) > 1 else 0
        digits = max(int(size[0]) - places, 1) if size else None
        if places == 0 and not size and words[2] not in _WHOLE:
            note = ("neither digits nor decimals are given; up to 14 and 6 are taken",)
            return Notation(NUMBER, written, digits=14, decimals=6, notes=note)
        return Notation(NUMBER, written, digits=digits, decimals=places)
    if kind == DATE:
        return Notation(DATE, written, notes=(f"no form of date is given ({written}); taken for free text",))
    most = int(size[-1]) if size else None
    least = int(size[0]) if len(size) > 1 and int(size[0]) <= int(size[-1]) else most if exact and most else 1
    known = kind in (TEXT, BOOLEAN) or bool(words[1])
    notes = () if known else (f"the type {written!r} is not understood; taken for free text",)
    return Notation(kind or TEXT, written, max(least or 1, 1) if most != 0 else 0, most or None, notes=notes)


def _checked(found: Notation, by_word: str) -> Notation:
    if by_word and by_word != found.kind and {by_word, found.kind} == {TEXT, NUMBER}:
        return replace(found, notes=(f"type and format differ ({found.written}); the format counts",))
    return found


_YES = frozenset(
    _each(
        "",
        "是 y yes 必填 √ ✓ ✔ m 1 必选 非空 notnull true ● o● 必须 必需 必录 必备 必传 r required 1..1 1..n 1..* "
        "1-n 强制 t 必",
    )
)
_NO = frozenset(
    _each(
        "",
        "否 n no 选填 可选 非必填 0 0..1 0..n 0..* 空 null false × x o ○ optional 非必选 可空 不必填 选择 选 f 任选",
    )
)


def is_required_word(text: str) -> bool:
    return key(text) in _YES or key(text) in _NO


def read_required(text: str) -> tuple[bool | None, str]:
    """(required, condition): None where it depends on something, as the text says. Empty is optional."""
    plain = key(text)
    if not plain or plain in _NO or plain in ("-", "—", "/", "无"):
        return False, ""
    if plain in _YES:
        return True, ""
    return None, text
