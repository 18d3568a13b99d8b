"""Every page of the console by axe-core, in light and dark: nothing serious, and nothing that the CSP blocks."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from tests.console.conftest import CHROMIUM, Site
from tests.console.crawling import WALKERS, walking
from tests.console.test_alarms import fire
from tests.console.test_keeping import DAY, DIFFERENCES

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium command on this machine")
SERIOUS = ("serious", "critical")
SCHEMES: dict[Literal["light", "dark"], dict[str, object]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}
WIDTHS = (390, 1280)
LEAST = 15  # kinds of pages; more are walked when more are built


async def watched(site: Site) -> None:
    """Something fires, and a day differs: empty pages have little to be wrong."""
    await fire(site)
    await site.store.put_reconciliation(DAY, DIFFERENCES)


async def test_no_page_has_a_serious_fault_in_light_or_dark(site: Site, browser: Browser) -> None:
    await watched(site)
    axe, seen, found = Axe(), set[str](), []
    for role in WALKERS:
        async with walking(browser, site, role) as walk:
            async for path in walk.pages(role, seen):
                for scheme, options in SCHEMES.items():
                    await walk.page.emulate_media(color_scheme=scheme)
                    result = await axe.run(walk.page, options=options)
                    found += [
                        f"{path} ({role}, {scheme}): {one['id']}: {node['html'][:160]}"
                        for one in result.response["violations"]
                        for node in one["nodes"]
                        if one["impact"] in SERIOUS
                    ]
            assert walk.wrong == []
    assert not found, "\n".join(found)
    assert len(seen) >= LEAST, sorted(seen)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_no_page_breaks_its_layout(site: Site, browser: Browser, language: str) -> None:
    """Nothing scrolls sideways, no text is cut off, and no two things that can be pressed lie on each other."""
    await watched(site)
    seen, found = set[str](), []
    for role in WALKERS:
        async with walking(browser, site, role) as walk:
            await walk.page.goto(f"{site.url}/console/language/{language}")
            async for path in walk.pages(role, seen):
                for width in WIDTHS:
                    await walk.page.set_viewport_size({"width": width, "height": 844})
                    found += [f"{path} ({role}, {width}): {one}" for one in await walk.page.evaluate(BROKEN)]
    assert not found, "\n".join(found)
    assert len(seen) >= LEAST, sorted(seen)


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
