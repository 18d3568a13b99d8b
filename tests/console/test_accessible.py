"""Every page of the console, visited once: nothing serious by axe-core in light and dark, nothing that the CSP blocks, a
layout that is not broken and is the one that is kept; and its pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from gateway.console.places import PLACES, SIGN_IN
from gateway.standard import Standard
from tests.console.boxes import differences, read_layouts, write_layouts
from tests.console.conftest import CHROMIUM, Site, serving
from tests.console.crawling import WALKERS, walking
from tests.console.looking import BROKEN, HIGH, WIDTHS, Looked
from tests.console.pictures import Camera, artefacts
from tests.console.test_alarms import fire
from tests.console.test_keeping import DAY, DIFFERENCES
from tests.console.test_mappings import system

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium command on this machine")
LEAST = 25  # kinds of pages; more are walked when more are built


async def watched(site: Site) -> None:
    """Something fires, and a day differs: empty pages have little to be wrong."""
    await fire(site)
    await site.store.put_reconciliation(DAY, DIFFERENCES)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def looked(
    tmp_path_factory: pytest.TempPathFactory, standard: Standard, browser: Browser
) -> AsyncIterator[Looked]:
    """What one walk through all pages found, in Chinese."""
    found = Looked(artefacts())
    folder = tmp_path_factory.mktemp("looked")
    async with serving(folder, standard, filled=True, second_factor=False) as site:
        await watched(site)
        await system(site)
        async with walking(browser, site, "") as walk:
            await walk.page.goto(site.url + SIGN_IN)
            await found.look(walk, await Camera.before(walk.page), SIGN_IN, SIGN_IN)
            found.wrong += walk.wrong
        for role in WALKERS:
            async with walking(browser, site, role) as walk:
                camera = await Camera.before(walk.page)
                async for kind, path in walk.pages(role, found.seen):
                    await found.look(walk, camera, kind, f"{path} ({role})")
                found.wrong += walk.wrong
        yield found


async def test_every_page_is_visited(looked: Looked) -> None:
    assert {place.href for place in PLACES} <= looked.seen
    assert len(looked.seen) >= LEAST, sorted(looked.seen)


async def test_no_page_has_a_serious_fault_in_light_or_dark(looked: Looked) -> None:
    assert not looked.serious, "\n".join(looked.serious)
    assert looked.wrong == []


async def test_no_page_breaks_its_layout(looked: Looked) -> None:
    """Nothing scrolls sideways or is outside, no text is cut off, no two things lie on each other, light or dark."""
    assert not looked.broken, "\n".join(looked.broken)


async def test_every_page_is_laid_out_as_it_is_kept(looked: Looked, pytestconfig: pytest.Config) -> None:
    """What is meant to be otherwise is kept anew with --update-layouts."""
    if pytestconfig.getoption("--update-layouts"):
        write_layouts(looked.layouts)
    kept = read_layouts()
    assert set(kept) == set(looked.layouts)
    found = [
        f"{page} ({wide}): {one}"
        for page, widths in looked.layouts.items()
        for wide, seen in widths.items()
        for one in differences(kept[page].get(wide, []), seen)
    ]
    assert not found, "\n".join(found)


async def test_every_page_has_its_pictures(looked: Looked) -> None:
    assert len(set(looked.pictures)) == len(looked.pictures) == 4 * len(looked.layouts)
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in looked.pictures)


async def test_no_page_breaks_its_layout_in_english(site: Site, browser: Browser) -> None:
    await watched(site)
    seen, found = set[str](), []
    for role in WALKERS:
        async with walking(browser, site, role) as walk:
            await walk.page.goto(f"{site.url}/console/language/en?back=/console/account")
            async for _, path in walk.pages(role, seen):
                for width in WIDTHS:
                    await walk.page.set_viewport_size({"width": width, "height": HIGH})
                    found += [f"{path} ({role}, {width}): {one}" for one in await walk.page.evaluate(BROKEN)]
    assert not found, "\n".join(found)
    assert len(seen) >= LEAST, sorted(seen)
