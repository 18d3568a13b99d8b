"""Mappings in the console: versions and field comparison; a candidate on the last messages, before it goes live."""

from __future__ import annotations

from pathlib import Path

from gateway.mappingtrial import Differing, compare_records
from tests.console.conftest import ROOT, Site
from tests.console.people import cookie_of
from tests.console.test_bulk import ask, said


async def system(site: Site) -> dict[str, str]:
    """The system administrator, with the mappings read."""
    cookies = await cookie_of(site.store, "system")
    await ask(site, "/console/platforms/reload", {"reason": "read"}, cookies)
    return cookies


def a_mapping(site: Site) -> tuple[str, Path]:
    """One that the site's own messages went through: 3001 to the construction platform."""
    (node,) = ("GGZY-JSGC",)
    profile = site.settings.platforms[node].profile
    name = site.standard.catalogue.get("3001").name
    return f"/console/mappings/{profile}/{name}/out", ROOT / "mappings" / profile / f"{name}.out.yaml"


async def test_mappings_are_listed_with_version_and_coverage(site: Site) -> None:
    cookies = await system(site)
    status, page, _ = await ask(site, "/console/mappings", cookies=cookies)
    path, _ = a_mapping(site)
    assert status == 200 and page.xpath(f"//tbody//a[@href='{path}']")
    _, page, _ = await ask(site, path, cookies=cookies)
    assert (
        "字段对照表" in said(page) and len(page.xpath("//table[contains(@class,'compared')]/tbody/tr")) > 10
    )


async def test_a_candidate_is_tried_and_nothing_of_it_stays(site: Site) -> None:
    cookies = await system(site)
    path, file = a_mapping(site)
    text = file.read_text("utf-8")
    status, page, _ = await ask(site, f"{path}/try", {"text": text, "last": "10"}, cookies)
    assert status == 200 and "结果没有变化" in said(page)
    changed = text.replace("  PAY_APP_NO:        PayAppNo", '  PAY_APP_NO:        = "CHANGED"')
    assert changed != text
    status, page, _ = await ask(site, f"{path}/try", {"text": changed, "last": "10"}, cookies)
    told = said(page)
    assert status == 200 and "1有变化" in told and "CHANGED" in told, told
    assert file.read_text("utf-8") == text
    act = (await site.store.acts())[0]
    assert (act.act, act.actor) == ("try mapping", "a-system")


async def test_a_candidate_with_errors_is_told_line_by_line(site: Site) -> None:
    cookies = await system(site)
    path, file = a_mapping(site)
    broken = file.read_text("utf-8") + "\nno_such_section: 1\n"
    status, page, _ = await ask(site, f"{path}/try", {"text": broken, "last": "10"}, cookies)
    assert status == 400 and file.name in said(page.xpath("//ul[@class='findings']")[-1])


def test_records_are_compared_leaf_by_leaf() -> None:
    before = {"A": "1", "B": {"C": ["x", "y"]}, "D": "same"}
    after = {"A": "2", "B": {"C": ["x"]}, "D": "same", "E": "new"}
    assert compare_records(before, after) == [
        Differing("A", "1", "2"), Differing("B/C[2]", "y", ""), Differing("E", "", "new"),
    ]  # fmt: skip
