"""Charts without a script: numbers as the shapes of an SVG.

What grows with the page is in per cent of its width, so that labels keep their size on a narrow screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LABEL, BAR, GAP = 18, 9, 10  # of a band, in pixels: its label, each bar, what is left free below
_LEAST = 3  # thousandths: a small amount beside a large one is still seen


@dataclass(frozen=True, slots=True)
class Group:
    """Bars that belong together. `label`: where its name stands; `bars`: where each begins, and how long it is."""

    label: float
    bars: tuple[tuple[float, float], ...]


def bands(rows: Sequence[Sequence[int]]) -> list[Group]:
    """Lying bars under a label, a group a row of shares (thousandths, as many in each): from where in pixels, how
    long in per cent."""
    found = []
    for place, shares in enumerate(rows):
        top = place * band_height(len(shares))
        drawn = ((float(top + LABEL + line * BAR), _seen(share) / 10) for line, share in enumerate(shares))
        found.append(Group(top + LABEL - 5.0, tuple(drawn)))
    return found


def band_height(bars: int) -> int:
    return LABEL + BAR * bars + GAP


def columns(rows: Sequence[Sequence[int]], places: int, height: int) -> list[Group]:
    """Standing bars side by side, room for so many groups: from where in per cent, how high of `height`."""
    step, found = 100 / places, []
    for place, shares in enumerate(rows):
        wide = 0.8 * step / max(len(shares), 1)
        drawn = (
            (round(place * step + number * wide, 2), round(_seen(share) * height / 1000, 1))
            for number, share in enumerate(shares)
        )
        found.append(Group(round((place + 0.4) * step, 2), tuple(drawn)))
    return found


def _seen(share: int) -> int:
    return max(share, _LEAST) if share > 0 else 0


def bars(values: Sequence[int], top: int, width: int, height: int, base: Sequence[int] = ()) -> str:
    """Path data of one bar a value, from the bottom up; `top` is the value that fills the height. `base`: what
    each bar stands on. A value above 0 is at least one unit high, so that a single error is seen."""
    step = width / max(len(values), 1)
    drawn = []
    for place, value in enumerate(values):
        if value > 0:
            under = round(height * base[place] / max(top, 1)) if base else 0
            tall = max(1, round(height * value / max(top, 1)))
            x = round(place * step, 1)
            drawn.append(f"M{x:g} {height - under}v-{tall}h{round(step * 0.8, 1):g}v{tall}z")
    return "".join(drawn)
