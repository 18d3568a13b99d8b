"""How a page is laid out, as data: the boxes of its landmarks and main blocks, held against a kept reference.

No pixels: fonts differ from machine to machine, and with them heights and the widths of words. Of a page at one width
is kept, in order of appearance, for each path of blocks (`main/section/table`): how such a block lies to the one
before it in the same block, where it begins and how wide it is, in thousandths of the window. How many there are of
one kind is the data's matter, so what lies alike is kept once. `LAYOUTS` is rewritten by

    pytest -n 0 tests/console/test_accessible.py --update-layouts
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

LAYOUTS = Path(__file__).parent / "layouts" / "console.json"
TOLERANCE = 40  # thousandths of the window
_ALIKE = TOLERANCE // 2
_SLACK = 2  # pixels: borders, and what is rounded
# As wide as their words where they stand beside something; what scrolls sideways is so too.
_HEADINGS = ("h1", "h2", "h3")
Layouts = dict[str, dict[str, list["Place"]]]  # by page and width


@dataclass(frozen=True, slots=True)
class Box:
    """One block, in pixels. `parent`: place of the block around it, -1: none; `is_scrolled`: it stands in something
    that scrolls sideways by itself."""

    tag: str
    parent: int
    left: float
    top: float
    width: float
    height: float
    is_scrolled: bool
    html: str

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class Place:
    """`how`: first | below | beside | above (all else) the block before it. `width` 0: not looked at."""

    path: str
    how: str
    left: int
    width: int

    def __str__(self) -> str:
        return f"{self.path} {self.how} {self.left} {self.width}"

    def is_like(self, other: Place, tolerance: int = TOLERANCE) -> bool:
        near = abs(self.left - other.left) <= tolerance and abs(self.width - other.width) <= tolerance
        return near and (self.path, self.how) == (other.path, other.how)


def boxes_of(measured: Iterable[Mapping[str, Any]]) -> list[Box]:
    """Of what MEASURE told."""
    return [Box(**one) for one in measured]


def places(boxes: Sequence[Box], wide: int) -> list[Place]:
    """What is kept of a page in a window so wide."""
    found: list[Place] = []
    before: dict[int, Box] = {}
    for box in boxes:
        is_by_words = box.tag in _HEADINGS or box.is_scrolled
        width = 0 if is_by_words else round(1000 * box.width / wide)
        how = _lies(box, before.get(box.parent))
        place = Place(_path(boxes, box), how, round(1000 * box.left / wide), width)
        if not any(place.is_like(one, _ALIKE) for one in found):
            found.append(place)
        before[box.parent] = box
    return found


def _path(boxes: Sequence[Box], box: Box) -> str:
    return f"{_path(boxes, boxes[box.parent])}/{box.tag}" if box.parent >= 0 else box.tag


def _lies(box: Box, before: Box | None) -> str:
    if before is None:
        return "first"
    if box.top >= before.bottom - _SLACK:
        return "below"
    return "beside" if box.left >= before.right - _SLACK else "above"


def faults(boxes: Sequence[Box], wide: int) -> list[str]:
    """What no reference may make good: blocks beyond the window or the block around them, or on each other."""
    found = []
    for box in boxes:
        around = boxes[box.parent] if box.parent >= 0 else None
        if not box.is_scrolled and not _is_between(box, 0, wide):
            found.append(f"outside the window: {box.html}")
        elif around and not box.is_scrolled and not _is_between(box, around.left, around.right):
            found.append(f"outside the block around it: {box.html}")
    for one, other in itertools.combinations(boxes, 2):
        if one.parent == other.parent and _are_on_each_other(one, other):
            found.append(f"on each other: {one.html} and {other.html}")
    return found


def _is_between(box: Box, left: float, right: float) -> bool:
    return box.left >= left - _SLACK and box.right <= right + _SLACK


def _are_on_each_other(one: Box, other: Box) -> bool:
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    return across > _SLACK and down > _SLACK


def differences(kept: Sequence[Place], seen: Sequence[Place]) -> list[str]:
    """How the layout differs from its reference, in words."""
    had, has = list(dict.fromkeys(one.path for one in kept)), list(dict.fromkeys(one.path for one in seen))
    found = [f"no {path} any more" for path in had if path not in has]
    found += [f"a {path} that was not there" for path in has if path not in had]
    if not found and had != has:
        found.append(f"another order: {', '.join(has)}; it was {', '.join(had)}")
    found += [f"lies anew: {one}" for one in seen if one.path in had and not _any_like(one, kept)]
    return found + [f"lies so no more: {one}" for one in kept if one.path in has and not _any_like(one, seen)]


def _any_like(place: Place, others: Iterable[Place]) -> bool:
    return any(place.is_like(one) for one in others)


def read_layouts(file: Path = LAYOUTS) -> Layouts:
    """{} where nothing is kept."""
    if not file.exists():
        return {}
    told: dict[str, dict[str, list[str]]] = orjson.loads(file.read_bytes())
    return {
        page: {wide: [_read(line) for line in lines] for wide, lines in widths.items()}
        for page, widths in told.items()
    }


def _read(line: str) -> Place:
    path, how, left, width = line.split()
    return Place(path, how, int(left), int(width))


def write_layouts(layouts: Layouts, file: Path = LAYOUTS) -> None:
    told = {
        page: {wide: [str(one) for one in kept] for wide, kept in widths.items()}
        for page, widths in layouts.items()
    }
    file.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")


MEASURE = """() => {
    const names = 'header, nav, main, footer, h1, h2, h3, section, article, form, table, svg[role=img], .columns, .figures';
    const blocks = [...document.querySelectorAll(names)].filter(
        one => one.checkVisibility() && one.getBoundingClientRect().width > 0);
    const scrolls = one => ['auto', 'scroll'].includes(getComputedStyle(one).overflowX);
    return blocks.map(one => {
        const box = one.getBoundingClientRect();
        let scrolled = false;
        for (let up = one.parentElement; up; up = up.parentElement) scrolled ||= scrolls(up);
        return {
            tag: one.localName, parent: blocks.indexOf(one.parentElement.closest(names)),
            left: box.left + scrollX, top: box.top + scrollY, width: box.width, height: box.height,
            is_scrolled: scrolled, html: one.outerHTML.slice(0, 100),
        };
    });
}"""
