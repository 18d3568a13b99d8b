"""Layouts as data: what is kept of a page, what counts as another layout, and what no reference makes good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.console.boxes import (
    LAYOUTS,
    Box,
    Place,
    differences,
    faults,
    places,
    read_layouts,
    write_layouts,
)
from tests.console.pictures import file_name

WIDE = 1000


def box(tag: str, parent: int, left: float, top: float, width: float, height: float) -> Box:
    return Box(tag, parent, left, top, width, height, is_scrolled=False, html=f"<{tag}>")


PAGE = [
    box("header", -1, 0, 0, 1000, 50),
    box("main", -1, 0, 50, 1000, 400),
    box("h1", 1, 20, 60, 300, 30),
    box("section", 1, 20, 100, 470, 200),
    box("table", 3, 30, 120, 450, 100),
    box("section", 1, 510, 100, 470, 200),
    box("section", 1, 20, 320, 470, 100),
    box("section", 1, 510, 320, 470, 100),
]
KEPT = [
    Place("header", "first", 0, 1000),
    Place("main", "below", 0, 1000),
    Place("main/h1", "first", 20, 0),
    Place("main/section", "below", 20, 470),
    Place("main/section/table", "first", 30, 450),
    Place("main/section", "beside", 510, 470),
]


def changed(place: int, **values: float) -> list[Box]:
    return [replace(one, **values) if at == place else one for at, one in enumerate(PAGE)]  # type: ignore[arg-type]


def test_what_lies_alike_is_kept_once() -> None:
    assert places(PAGE, WIDE) == KEPT and faults(PAGE, WIDE) == []


def test_more_of_a_kind_other_heights_and_other_words_are_the_same_layout() -> None:
    more = [*PAGE, box("section", 1, 20, 430, 470, 100)]
    assert differences(KEPT, places(more, WIDE)) == []
    assert differences(KEPT, places(changed(0, height=48), WIDE)) == []
    assert differences(KEPT, places(changed(2, width=700), WIDE)) == []
    assert differences(KEPT, places(changed(3, width=490), WIDE)) == []


def test_another_layout_is_told_in_words() -> None:
    narrow = differences(KEPT, places(changed(4, width=300), WIDE))
    assert narrow == [
        "lies anew: main/section/table first 30 300",
        "lies so no more: main/section/table first 30 450",
    ]
    stacked = [
        replace(one, left=20.0, top=place * 300.0) if one.tag == "section" else one
        for place, one in enumerate(PAGE)
    ]
    assert differences(KEPT, places(stacked, WIDE)) == ["lies so no more: main/section beside 510 470"]
    assert differences(KEPT, places(PAGE[:4], WIDE))[0] == "no main/section/table any more"
    assert "a main/form that was not there" in differences(
        KEPT, places([*PAGE, box("form", 1, 20, 440, 960, 9)], WIDE)
    )
    swapped = [PAGE[1], PAGE[0]]
    assert (
        differences(KEPT[:2], places(swapped, WIDE))[0] == "another order: main, header; it was header, main"
    )


def test_what_is_outside_or_on_something_else_is_a_fault() -> None:
    assert faults(changed(0, width=1010), WIDE) == ["outside the window: <header>"]
    assert faults(changed(4, width=500), WIDE) == ["outside the block around it: <table>"]
    assert faults(changed(5, left=480), WIDE) == ["on each other: <section> and <section>"]
    scrolled = [replace(one, is_scrolled=one.tag == "table") for one in changed(4, width=5000)]
    assert faults(scrolled, WIDE) == []
    assert Place("main/section/table", "first", 30, 0) in places(scrolled, WIDE)


def test_layouts_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    assert read_layouts(file) == {}
    write_layouts({"/console/": {"390": KEPT}}, file)
    assert read_layouts(file) == {"/console/": {"390": KEPT}}
    assert {wide for widths in read_layouts(LAYOUTS).values() for wide in widths} == {"390", "1280"}


def test_pictures_are_named_by_page_width_and_colours() -> None:
    assert file_name("/console/", 1280, "light") == "messages-1280-light.png"
    assert file_name("/console/alarms/one/{id}", 390, "dark") == "alarms-one-id-390-dark.png"
