"""Charts without a script: a series of numbers as the path of an SVG."""

from __future__ import annotations

from collections.abc import Sequence


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
