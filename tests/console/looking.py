"""One visit of every page: what axe-core finds, what the layout breaks, where the blocks lie, and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.async_playwright import Axe

from tests.console.boxes import MEASURE, Box, Layouts, boxes_of, faults, places
from tests.console.crawling import Walk
from tests.console.pictures import Camera, file_name

Scheme = Literal["light", "dark"]
SERIOUS = ("serious", "critical")
WIDTHS = (1280, 390)
HIGH = 844
_AXE: Mapping[Scheme, dict[str, object]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}
_AXE_SCRIPT = Axe().axe_script
# By width, so that the window changes as seldom as can be.
_TURNS: tuple[tuple[int, Scheme], ...] = ((1280, "light"), (1280, "dark"), (390, "dark"), (390, "light"))


@dataclass
class Looked:
    """What a walk through the console found; `layouts`: as they are, by page and width."""

    folder: Path
    seen: set[str] = field(default_factory=set)
    serious: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    layouts: Layouts = field(default_factory=dict)
    pictures: list[Path] = field(default_factory=list)

    async def look(self, walk: Walk, camera: Camera, kind: str, label: str) -> None:
        """At the page that is open, wide and narrow, light and dark."""
        await walk.page.evaluate(_AXE_SCRIPT)
        boxes: dict[tuple[int, Scheme], list[Box]] = {}
        for wide, scheme in _TURNS:
            await walk.page.set_viewport_size({"width": wide, "height": HIGH})
            await walk.page.emulate_media(color_scheme=scheme)
            spot = f"{label} ({wide}, {scheme})"
            if wide == WIDTHS[0]:
                self.serious += [f"{spot}: {one}" for one in await serious(walk, _AXE[scheme])]
            if scheme == "light":
                self.broken += [f"{spot}: {one}" for one in await walk.page.evaluate(BROKEN)]
            boxes[wide, scheme] = boxes_of(await walk.page.evaluate(MEASURE))
            file = self.folder / file_name(kind, wide, scheme)
            await camera.take(wide, max(one.bottom for one in boxes[wide, scheme]), file)
            self.pictures.append(file)
        for wide in WIDTHS:
            self._hold(kind, f"{label} ({wide})", wide, boxes[wide, "light"], boxes[wide, "dark"])

    def _hold(self, kind: str, spot: str, wide: int, light: list[Box], dark: list[Box]) -> None:
        self.broken += [f"{spot}: {one}" for one in faults(light, wide)]
        kept = self.layouts.setdefault(kind, {})[str(wide)] = places(light, wide)
        if kept != places(dark, wide):
            self.broken.append(f"{spot}: in the dark it lies otherwise")


async def serious(walk: Walk, options: Mapping[str, Any]) -> list[str]:
    """Serious faults by axe-core, whose script the page has."""
    result = await walk.page.evaluate(_RUN_AXE, options)
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in result["violations"]
        for node in one["nodes"]
        if one["impact"] in SERIOUS
    ]


# The rows of a long table are alike, and a code table has thousands: those after the thirtieth stand aside meanwhile.
_RUN_AXE = """async options => {
    const rows = [...document.querySelectorAll('tbody tr:nth-child(n+31)')];
    const homes = rows.map(row => row.parentNode);
    rows.forEach(row => row.remove());
    const found = await axe.run(document, options);
    rows.forEach((row, place) => homes[place].append(row));
    return found;
}"""

BROKEN = """() => {
    const wrong = [];
    const wide = document.documentElement.scrollWidth;
    if (wide > window.innerWidth) wrong.push(`scrolls sideways: ${wide}`);
    const shown = one => one.checkVisibility() && one.getClientRects().length;
    for (const one of document.querySelectorAll('button, a, label, h1, h2, h3, dt, summary')) {
        const cut = getComputedStyle(one).overflowX === 'hidden' && one.scrollWidth > one.clientWidth + 1;
        if (shown(one) && cut) wrong.push(`cut off: ${one.outerHTML.slice(0, 120)}`);
    }
    const pressed = [...document.querySelectorAll('button, input:not([type=hidden]), select, nav a')].filter(shown);
    const boxes = pressed.map(one => one.getBoundingClientRect());
    for (let a = 0; a < boxes.length; a++) for (let b = a + 1; b < boxes.length; b++) {
        const across = Math.min(boxes[a].right, boxes[b].right) - Math.max(boxes[a].left, boxes[b].left);
        const down = Math.min(boxes[a].bottom, boxes[b].bottom) - Math.max(boxes[a].top, boxes[b].top);
        if (across > 2 && down > 2 && !pressed[a].contains(pressed[b]))
            wrong.push(`on each other: ${pressed[a].outerHTML.slice(0, 80)} ${pressed[b].outerHTML.slice(0, 80)}`);
    }
    return wrong;
}"""
