"""Where a path of the sender's own words stands in its bytes: line and column, from 1.

Only a refusal asks, so nothing of this is kept while a message is read. What has no lines of its own
(a voucher inside Base64, a table) has no places.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import islice
from typing import Any
from xml.parsers import expat

Place = tuple[int, int]
MAX_BYTES = 1 << 20  # beyond that a refusal names paths alone
_MOST_BASES = 64  # containers a level that may hold the content; an envelope has a handful
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)""")
_INDEX = re.compile(r"(.*)\[([0-9]+)\]")


class _Node:
    """An element or member: where it stands, and what it holds by name and number."""

    __slots__ = ("children", "place")

    def __init__(self, place: Place):
        self.place = place
        self.children: dict[str, list[_Node]] = {}

    def add(self, name: str, place: Place) -> _Node:
        node = _Node(place)
        self.children.setdefault(name, []).append(node)
        return node


def locate(data: bytes, paths: Iterable[str]) -> dict[str, Place]:
    """The place of each path that can be told, of XML or JSON that a format has read. A path begins at the
    content, wherever in its envelope that is; what is missing is placed at the nearest element around."""
    if len(data) > MAX_BYTES:
        return {}
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    root = _read_xml(data) if start == b"<" else _read_json(data) if start in b"{[" and start else None
    if root is None:
        return {}
    wanted = [path for path in paths if path]
    bases = _bases(root, wanted)
    return {path: _find(bases, path).place for path in wanted}


def _bases(root: _Node, paths: list[str]) -> list[_Node]:
    """The content first: of the containers within three levels the one that has most of the paths."""
    found, level = [root], [root]
    for _ in range(3):
        below = (many[0] for node in level for many in node.children.values() if many[0].children)
        level = list(islice(below, _MOST_BASES))
        found += level
    names = [path.partition("/")[0].partition("[")[0] for path in paths]

    def likely(node: _Node) -> tuple[int, int]:
        return sum(name in node.children for name in names), sum(map(len, node.children.values()))

    return sorted(found, key=likely, reverse=True)


def _find(bases: list[_Node], path: str) -> _Node:
    """The deepest match under any base; of equals the one under the likelier base."""
    best, most = bases[0], 0
    for base in bases:
        node, depth = _descend(base, path)
        if depth > most:
            best, most = node, depth
    return best


def _descend(node: _Node, path: str) -> tuple[_Node, int]:
    depth = 0
    for part in path.split("/"):
        split = _INDEX.fullmatch(part)
        name, index = (split[1], int(split[2])) if split else (part, 1)
        many = node.children.get(name, [])
        if not 0 < index <= len(many):
            return node, depth
        node = many[index - 1]
        depth += 1
    return node, depth


def _read_xml(data: bytes) -> _Node | None:
    declared = _DECLARED.match(data.lstrip(b"\xef\xbb\xbf \t\r\n"))
    text = data
    if declared and declared[1].lower() in (b"gbk", b"gb2312", b"gb18030"):
        text = data.decode("gb18030", "replace").encode()
    parser = expat.ParserCreate("utf-8")
    top = _Node((1, 1))
    stack = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        place = (parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)
        node = stack[-1].add(name.rpartition(":")[2], place)
        for attribute in attributes:
            node.add(f"@{attribute}", place)
        stack.append(node)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: stack.pop()
    try:
        parser.Parse(text, True)
    except expat.ExpatError:  # libxml2 read it, so there is something; without places a refusal still stands
        return None
    return top


def _read_json(data: bytes) -> _Node | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    ends = [found.start() for found in re.finditer("\n", text)]

    def place(offset: int) -> Place:
        line = bisect_right(ends, offset - 1)
        return line + 1, offset - (ends[line - 1] if line else -1)

    top = _Node((1, 1))
    # Of each open container: the node, and of an object the name whose value is awaited, of a list its own.
    stack: list[tuple[_Node, bool, str]] = [(top, False, "")]
    name, awaits_name, at = "", False, (1, 1)
    for token in _TOKEN.finditer(text):
        letter = token[0][0]
        node, is_object, own = stack[-1]
        if letter in "}]":
            if len(stack) > 1:
                stack.pop()
            awaits_name = False
        elif letter == ",":
            awaits_name = is_object
        elif letter == ":":
            continue
        elif awaits_name:
            name, at, awaits_name = _name_of(token[0]), place(token.start()), False
        elif letter == "[":
            # The items of a list stand beside each other under its name, as repeated elements do.
            stack.append((node, False, name if is_object else own))
        else:
            holder = _member(node, is_object, name, own, at, place(token.start()))
            if letter == "{":
                stack.append((holder, True, ""))
                awaits_name = True
    return top


def _member(node: _Node, is_object: bool, name: str, own: str, at: Place, here: Place) -> _Node:
    if is_object:
        return node.add(name, at)
    return node.add(own, here) if own else node


def _name_of(token: str) -> str:
    found: Any = json.loads(token) if "\\" in token else token[1:-1]
    return str(found)
