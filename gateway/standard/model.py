"""The schemas as a light tree: elements, their simple types, and what the annotations say of them.

The XSD files are the single source; this tree is read from them once (`schemafiles.py`) and everything
else is made from it: builders, readers, the JSON form, value checks, the explainer, the mapping checker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ValueType:
    """A simple type. `patterns` all hold, lengths count characters, `check` names a rule of `values.py`.

    `numeric`: an amount, ratio or counter, told from the pattern. XSD ignores white space around an
    integer, the canonical form has none.
    """

    name: str
    integer: bool = False
    patterns: tuple[re.Pattern[str], ...] = ()
    pattern_text: str = ""
    min_length: int = 0
    max_length: int | None = None
    min_value: int | None = None
    max_value: int | None = None
    enumeration: tuple[str, ...] = ()
    check: str = ""
    zh: str = ""
    en: str = ""
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a message. A leaf has `value`; any other holds `children`, in their order.

    `zh`, `en`: meaning. `codes`: code table of the values (`codes_open`: others pass; `codes_separator`:
    several in one text). `sensitive`: personal, account or empty. `gbk_max`: most bytes in GBK, 0 = no
    limit; `gbk_warn`: beyond that some receivers cut. `code_type`: sibling that tells the code's kind.
    """

    name: str
    zh: str = ""
    en: str = ""
    minimum: int = 1
    maximum: int = 1
    value: ValueType | None = None
    children: tuple[Element, ...] = ()
    source: str = ""
    codes: str = ""
    codes_open: bool = False
    codes_separator: str = ""
    sensitive: str = ""
    gbk_max: int = 0
    gbk_warn: int = 0
    code_type: str = ""
    by_name: Mapping[str, Element] = field(default_factory=dict, repr=False, compare=False)

    @property
    def repeats(self) -> bool:
        return self.maximum > 1

    @property
    def label(self) -> str:
        """The first words of the Chinese meaning."""
        return re.split("[：；，（]", self.zh, maxsplit=1)[0] or self.name

    def find(self, path: str) -> Element | None:
        """The element at a path of names (`Invoices/Invoice/AmountWithTax`); None if there is none."""
        found: Element | None = self
        for name in path.split("/"):
            found = found.by_name.get(name) if found is not None else None
        return found

    def walk(self, path: str = "") -> Iterator[tuple[str, Element]]:
        """(path, element) of all below, in the schema's order."""
        for child in self.children:
            place = f"{path}/{child.name}" if path else child.name
            yield place, child
            yield from child.walk(place)


_TOKENS = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|[\^$.]", re.DOTALL)
_PLAIN = {"^": r"\^", "$": r"\$", ".": r"[^\n\r]"}
_FOREIGN = re.compile(r"\\[iIcCpP]")


def python_pattern(text: str) -> re.Pattern[str]:
    """An XSD pattern (XML Schema part 2, appendix F) for `fullmatch`; ValueError for what Python has not.

    In XSD `^` and `$` are plain characters and `.` is anything but the ends of lines.
    """

    def translate(found: re.Match[str]) -> str:
        token = found[0]
        if _FOREIGN.search(token) or (token.startswith("[") and "[" in token[1:]):
            raise ValueError(f"pattern {text!r} uses what only XSD has: {token}")
        return _PLAIN.get(token, token)

    return re.compile(_TOKENS.sub(translate, text))


_COUNTED_IN_REPEATED = re.compile(r"\}\)[*+{]")


def is_misjudged(text: str) -> bool:
    """May libxml2 take what the pattern does not? It loses count where a counted part is inside a
    repeated group: `([0-9]{4})*([0-9]{2}==)?` takes `000000=`-like text (seen with 2.14.6)."""
    return bool(_COUNTED_IN_REPEATED.search(text))


def is_numeric(patterns: tuple[re.Pattern[str], ...]) -> bool:
    """Do the patterns take a number and no word?"""

    def takes(text: str) -> bool:
        return all(pattern.fullmatch(text) for pattern in patterns)

    numbers, words = ("1.00", "-1.00", "1.000"), ("AB", "a:")
    return bool(patterns) and any(map(takes, numbers)) and not any(map(takes, words))
