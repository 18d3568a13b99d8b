"""Texts that a regular expression takes, made by walking it: what schemas use of the language, no more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TypeAlias

_MANY = 6  # how often something without a bound is repeated at most
_ESCAPED = {"d": "0123456789", "w": "abcXYZ019_", "s": " ", "n": "\n", "t": "\t", "r": "\r"}
_ANY = "aZ09 -_上海é"


class UnknownPattern(ValueError):
    """A pattern with something that is not understood here."""


@dataclass(frozen=True, slots=True)
class _Letters:
    letters: str


@dataclass(frozen=True, slots=True)
class _Repeat:
    inner: _Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class _Row:
    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Either:
    options: tuple[_Node, ...]


_Node: TypeAlias = _Letters | _Repeat | _Row | _Either


@lru_cache(maxsize=1024)
def _parsed(pattern: str) -> _Node:
    parser = _Parser(pattern)
    node = parser.either()
    if parser.at != len(pattern):
        raise UnknownPattern(pattern)
    return node


def draw_match(random: Random, pattern: str) -> str:
    """A text that the pattern takes as a whole. UnknownPattern."""
    pieces: list[str] = []
    _draw(random, _parsed(pattern), pieces)
    return "".join(pieces)


def _draw(random: Random, node: _Node, pieces: list[str]) -> None:
    match node:
        case _Letters():
            pieces.append(random.choice(node.letters))
        case _Row():
            for one in node.parts:
                _draw(random, one, pieces)
        case _Either():
            _draw(random, random.choice(node.options), pieces)
        case _Repeat():
            most = node.most if node.most is not None else node.least + _MANY
            count = random.choice((node.least, most, random.randint(node.least, most)))
            for _ in range(count):
                _draw(random, node.inner, pieces)


class _Parser:
    def __init__(self, pattern: str):
        self.text = pattern
        self.at = 0

    def _peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def _take(self) -> str:
        letter = self._peek()
        if not letter:
            raise UnknownPattern(self.text)
        self.at += 1
        return letter

    def either(self) -> _Node:
        options = [self._row()]
        while self._peek() == "|":
            self.at += 1
            options.append(self._row())
        return options[0] if len(options) == 1 else _Either(tuple(options))

    def _row(self) -> _Node:
        parts = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._one()))
        return parts[0] if len(parts) == 1 else _Row(tuple(parts))

    def _repeated(self, node: _Node) -> _Node:
        match self._peek():
            case "*":
                bounds: tuple[int, int | None] = (0, None)
            case "+":
                bounds = (1, None)
            case "?":
                bounds = (0, 1)
            case "{":
                return self._counted(node)
            case _:
                return node
        self.at += 1
        return _Repeat(node, *bounds)

    def _counted(self, node: _Node) -> _Node:
        end = self.text.find("}", self.at)
        least, comma, most = self.text[self.at + 1 : end].partition(",")
        if end < 0 or not least.isdigit() or not (most.isdigit() or not most):
            raise UnknownPattern(self.text)
        self.at = end + 1
        return _Repeat(node, int(least), int(most) if most else (None if comma else int(least)))

    def _one(self) -> _Node:
        letter = self._take()
        match letter:
            case "(":
                if self.text.startswith("?:", self.at):
                    self.at += 2
                node = self.either()
                if self._take() != ")":
                    raise UnknownPattern(self.text)
                return node
            case "[":
                return _Letters(self._class())
            case ".":
                return _Letters(_ANY)
            case "\\":
                return _Letters(self._escaped())
            case "^" | "$" | "*" | "+" | "?":
                raise UnknownPattern(self.text)
            case _:
                return _Letters(letter)

    def _escaped(self) -> str:
        letter = self._take()
        if letter.isalnum() and letter not in _ESCAPED:
            raise UnknownPattern(self.text)
        return _ESCAPED.get(letter, letter)

    def _class(self) -> str:
        is_negated = self._peek() == "^"
        self.at += is_negated
        letters = ""
        while self._peek() != "]":
            letter = self._take()
            if letter == "\\":
                letters += self._escaped()
            elif self._peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                letters += "".join(map(chr, range(ord(letter), ord(self._take()) + 1)))
            else:
                letters += letter
        self.at += 1
        if is_negated:
            letters = "".join(one for one in _ANY if one not in letters)
        if not letters:
            raise UnknownPattern(self.text)
        return letters
