"""Documents that are like one that was read before: the same tags and white space, other texts.

A platform writes a message type in a few shapes. The second document of a shape leaves its skeleton here: what
stands around its texts. A later document is read by its texts alone, in half the parser's time, if the skeleton
with these texts between is the document itself, byte for byte; nothing else has to be shown of it then, because
the parser took the skeleton before, and a text without markup and of legal characters changes nothing in it.
Every other document is the parser's: attributes, references, comments, returns, other encodings than UTF-8.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from lxml import etree

from gateway.formats.elements import ILLEGAL, field_reader, is_bare
from gateway.message import Record

MAX_BYTES = 16 * 1024
MAX_KEPT = 128
_MAX_NOTED = 1024
_DECLARATIONS = ("", '<?xml version="1.0" encoding="UTF-8"?>', '<?xml version="1.0" encoding="utf-8"?>')
_TAG = re.compile(r"/?[^\W\d][\w.\-]*|[^\W\d][\w.\-]* ?/")


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of a document: its tags, in their order, and it, cut at each of them. `root`, `record`: it
    was read ("" and {}: not)."""

    tags: str = ""
    cut: tuple[str, ...] = ()
    root: str = ""
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class _Node:
    """An element with children: name → place of the text, node below, the text of one that is written as
    empty, or a list of these."""

    children: tuple[tuple[str, Any], ...]
    flat: tuple[str, ...]  # the names, where all are single texts that stand in a row from `first`
    first: int

    def read(self, texts: tuple[str, ...]) -> Record:
        if self.flat:
            return dict(zip(self.flat, texts[self.first : self.first + len(self.flat)], strict=True))
        return {name: _read(child, texts) for name, child in self.children}


def _read(child: Any, texts: tuple[str, ...]) -> Any:
    kind = type(child)
    if kind is int:
        return texts[child]
    if kind is _Node:
        return child.read(texts)
    return child if kind is str else [_read(one, texts) for one in child]


@dataclass(frozen=True, slots=True)
class _Skeleton:
    """`around`: the pieces around the texts, with places for them in between. `texts`: where they stand in
    the cut document."""

    around: tuple[str, ...]
    texts: Callable[[tuple[str, ...]], tuple[str, ...]]
    root: str
    node: _Node

    def read(self, whole: str, cut: tuple[str, ...]) -> Record | None:
        texts = self.texts(cut)
        made = list(self.around)
        made[1::2] = texts
        if "".join(made) != whole:
            return None
        flat = "".join(texts)
        if not flat.isprintable() and ILLEGAL.search(flat):
            return None
        return self.node.read(texts)


class Skeletons:
    """Those that were met lately. Any thread may ask."""

    def __init__(self) -> None:
        self._kept: dict[str, _Skeleton | None] = {}  # None: cannot be read so
        self._noted: dict[str, None] = {}
        self._lock = threading.Lock()

    def look(self, data: bytes) -> Sight:
        """The document read, if its skeleton is known."""
        if len(data) > MAX_BYTES or not is_bare(data) or b"&" in data or b"\r" in data:
            return Sight()
        try:
            whole = data.decode()
        except UnicodeDecodeError:
            return Sight()
        start = whole.find("?>") + 2 if whole.startswith("<?xml") else 0
        if whole[:start] not in _DECLARATIONS:
            return Sight()
        cut = tuple(whole[start:].replace(">", "<").split("<"))
        tags = "<".join(cut[1::2])
        known = self._kept.get(tags)
        record = known.read(whole, cut) if known is not None else None
        return Sight(tags, cut) if known is None or record is None else Sight(tags, cut, known.root, record)

    def learn(self, sight: Sight, data: bytes, root: etree._Element) -> None:
        """Keeps the skeleton of a document that the parser read to `root`, if its tags were met before."""
        if not sight.tags or sight.tags in self._kept:
            return
        with self._lock:
            if sight.tags not in self._noted:
                _put(self._noted, sight.tags, None, _MAX_NOTED)
                return
            del self._noted[sight.tags]
            whole = data.decode()
            skeleton = _make(sight.cut, whole)
            # What is read by it must be what the parser read.
            if skeleton is not None and skeleton.read(whole, sight.cut) != field_reader(root)(root):
                skeleton = None
            _put(self._kept, sight.tags, skeleton, MAX_KEPT)


def _put(store: dict[str, Any], name: str, value: Any, most: int) -> None:
    """The oldest gives way."""
    if len(store) >= most:
        del store[next(iter(store))]
    store[name] = value


def _make(cut: tuple[str, ...], whole: str) -> _Skeleton | None:
    """None for a document that is more than tags and texts, or has fewer than two texts."""
    tags = cut[1::2]
    if not all(map(_TAG.fullmatch, tags)):
        return None
    places: list[int] = []
    above: list[tuple[str, dict[str, Any]]] = [("", {})]
    for at, tag in enumerate(tags):
        child: Any = ""
        if tag[0] == "/":
            name, children = above.pop()
            if tags[at - 1] == name:  # nothing stands in it but its text
                child = len(places)
                places.append(at * 2)
            else:
                child = _node(children)
        elif tag[-1] == "/":
            name = tag[:-1].rstrip()
        else:
            above.append((tag, {}))
            continue
        siblings = above[-1][1]
        siblings[name] = [*_as_list(siblings[name]), child] if name in siblings else child
    [(root, node)] = above[0][1].items()
    if type(node) is not _Node or len(places) < 2:
        return None
    texts: Callable[[tuple[str, ...]], tuple[str, ...]] = itemgetter(*places)
    return _Skeleton(_around(whole, cut, set(places)), texts, root, node)


def _as_list(child: Any) -> list[Any]:
    return child if type(child) is list else [child]


def _node(children: dict[str, Any]) -> _Node:
    slots = list(children.values())
    is_flat = all(type(one) is int for one in slots) and slots == list(range(slots[0], slots[0] + len(slots)))
    return _Node(tuple(children.items()), tuple(children) if is_flat else (), slots[0] if is_flat else 0)


def _around(whole: str, cut: tuple[str, ...], places: set[int]) -> tuple[str, ...]:
    """What is no text of an element: the declaration, tags, and white space between them."""
    made = [whole[: len(whole) - sum(map(len, cut)) - len(cut) + 1]]
    for at, piece in enumerate(cut):
        if at in places:
            made += ("", "")
        else:
            made[-1] += f"<{piece}>" if at % 2 else piece
    return tuple(made)


skeletons = Skeletons()
