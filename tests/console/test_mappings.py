"""Mappings in the console: versions and field comparison; a candidate on the last messages, before it goes live."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import orjson
import pytest
from playwright.async_api import Browser, expect

from gateway import clock
from gateway.console.routes import OPS
from gateway.console.standins import StandIns
from gateway.errors import Fault
from gateway.mapping import Mapping, load_mapping
from gateway.mappingtrial import Differing, compare_records
from gateway.message import Record
from gateway.standard import Standard
from gateway.store.contract import MessageFilter
from tests.console.conftest import CHROMIUM, ROOT, Site
from tests.console.people import cookie_of
from tests.console.test_browser import let_in
from tests.console.test_bulk import ask, said
from tests.console.test_ops import ask as ask_ops


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


async def test_scripts_are_told_the_findings_and_the_field_comparison(site: Site) -> None:
    cookies = await system(site)
    path, _ = a_mapping(site)
    status, told = await ask_ops(site, path.removeprefix("/console"), cookies=cookies)
    _, page, _ = await ask(site, path, cookies=cookies)
    assert status == 200 and told["version"] and told["findings"] == []
    shown = page.xpath("//table[contains(@class,'compared')]/tbody/tr/td[1]/span[@class='mono']/text()")
    assert [one["target"]["path"] for one in told["rows"]] == shown and len(shown) > 10
    (call,) = (one for one in OPS if one.path == "/mappings/{profile}/{name}/{direction}")
    jsonschema_rs.validate(dict(call.answer), told)


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


AWARD = ROOT / "mappings/construction/AwardResultSync.in.yaml"
SAMPLE = AWARD.parent / "cases/AwardResultSync.in/consortium-lead-first.input.xml"
EXAMINER, LANDLINE = "王小明", "021-58881234"


def given(standard: Standard, mapping: Mapping) -> Record:
    """What a candidate is given of a message."""
    text = re.sub("<(EXAMINER_NAME|OTHER_CONTENT)>.*", "", SAMPLE.read_text("utf-8")).replace(
        "</CONTEXT>",
        f"<EXAMINER_NAME>{EXAMINER}</EXAMINER_NAME><OTHER_CONTENT>{LANDLINE}</OTHER_CONTENT></CONTEXT>",
    )
    world: Any = SimpleNamespace(translator=SimpleNamespace(standard=standard))
    row: Any = SimpleNamespace(type=mapping.number, body=b"", biz_key="", original=text.encode())
    platform: Any = SimpleNamespace(format="des", values={})
    return StandIns.of(world, mapping).of_message(platform, row)[0]


def test_what_no_mapping_reads_is_given_as_a_stand_in(standard: Standard) -> None:
    record = given(standard, load_mapping(AWARD, standard))
    told = orjson.dumps(record).decode()
    assert EXAMINER not in told and LANDLINE not in told
    assert len(record["EXAMINER_NAME"]) == len(EXAMINER) and record["OTHER_CONTENT"][3] == "-"
    assert record["TENDER_PROJECT_CODE"] == "G3100002403120001001"  # the version in force reads it


def test_codes_and_dates_are_given_though_nothing_reads_them(standard: Standard) -> None:
    world: Any = SimpleNamespace(translator=SimpleNamespace(standard=standard))
    project = StandIns.of(world, load_mapping(AWARD.with_name("TenderProjectSync.in.yaml"), standard))
    subject = StandIns.of(world, load_mapping(AWARD.with_name("MarketSubjectSync.in.yaml"), standard))
    assert "IS_TO_LAW" in project.open_ and "TAX_CERT_END_DATE" in subject.open_
    assert "REPRESENT_PHONE" not in subject.open_


def test_a_file_that_is_broken_by_now_is_not_asked(standard: Standard, tmp_path: Path) -> None:
    mapping = load_mapping(AWARD, standard)
    (tmp_path / AWARD.name).write_text("message: [")
    mapping.file = str(tmp_path / AWARD.name)
    record = given(standard, mapping)
    assert record["TENDER_PROJECT_CODE"] == "G3100002403120001001" and record["EXAMINER_NAME"] != EXAMINER


def test_records_are_compared_leaf_by_leaf() -> None:
    before = {"A": "1", "B": {"C": ["x", "y"]}, "D": "same"}
    after = {"A": "2", "B": {"C": ["x"]}, "D": "same", "E": "new"}
    assert compare_records(before, after) == [
        Differing("A", "1", "2"), Differing("B/C[2]", "y", ""), Differing("E", "", "new"),
    ]  # fmt: skip


async def test_errors_of_the_last_days_stand_beside_a_mapping(site: Site) -> None:
    cookies = await system(site)
    fault = Fault("standard.empty", "AwardCode", "不能为空", "is empty", "30001")
    await site.store.note_refusal("GGZY-ZFCG", "2002", clock.now_ms(), [fault], {})
    _, page, _ = await ask(site, "/console/mappings", cookies=cookies)
    name = site.standard.catalogue.get("2002").name
    profile = site.settings.platforms["GGZY-ZFCG"].profile
    cells = page.xpath(f"//tr[td/a[@href='/console/mappings/{profile}/{name}/in']]/td")
    assert "1" in said(cells[4]) and "7 日内 1 条" in said(cells[4])


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium command on this machine")
async def test_the_playground_shows_real_messages_masked_and_keeps_nothing(
    site: Site, browser: Browser
) -> None:
    cookies = await system(site)
    path, file = a_mapping(site)
    before = file.read_bytes()
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    await let_in(context, site.url, cookies)
    page, wrong = await context.new_page(), []
    page.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
    await page.goto(site.url + path)
    await page.get_by_role("link", name="在试验台中打开").click()
    await expect(page.locator("#case option")).not_to_have_count(0)
    row = next(iter(await site.store.search(MessageFilter(type="3001", limit=1))))
    assert row.id in str(await page.locator("#case option").first.text_content())
    sample = await page.locator("#sample").input_value()
    plain = site.standard.sample("3001")
    sensitive = [plain[one] for one in site.standard.sensitive("3001") if isinstance(plain.get(one), str)]
    assert plain["PayAppNo"] in sample and sensitive and not any(one in sample for one in sensitive)
    await expect(page.locator("#result")).to_contain_text(plain["PayAppNo"])
    text = await page.locator("#mapping").input_value()
    await page.locator("#mapping").fill(text.replace("PayAppNo", "NoSuchField", 1))
    await expect(page.locator("#findings")).to_contain_text("NoSuchField")
    await page.locator("#back").click()
    assert page.url == site.url + path
    assert wrong == [] and file.read_bytes() == before
    await context.close()


async def test_the_playground_is_for_those_who_may_try(site: Site) -> None:
    path, _ = a_mapping(site)
    await system(site)
    viewer = await cookie_of(site.store, "viewer")
    _, page, _ = await ask(site, path, cookies=viewer)
    assert "play" not in " ".join(map(str, page.xpath("//main//a/@href")))
    for place in ("", "files", "file"):
        assert (await ask(site, f"{path}/play/{place}", cookies=viewer))[0] == 403
