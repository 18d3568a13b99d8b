"""Platforms and routes: how each stands, the switch, keys with their ends, config on disk, mappings read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.settings import load_settings
from gateway.standing import compare_with_disk, standings
from tests.console.conftest import ROOT, Site
from tests.console.people import cookie_of
from tests.console.test_bulk import ask, said

NODE = "GGZY-ZFCG"


async def test_every_platform_is_shown_with_its_backlog_and_dead_letters(site: Site) -> None:
    status, page, _ = await ask(site, "/console/platforms")
    assert status == 200
    assert {str(one) for one in page.xpath("//article/@id")} == set(site.settings.platforms)
    assert "1滞留" in said(page.get_element_by_id(NODE))
    assert page.get_element_by_id(NODE).xpath(".//a[@href='/console/stuck?receiver=GGZY-ZFCG']")


async def test_a_receiver_is_paused_and_resumed_with_a_reason(site: Site) -> None:
    status, page, _ = await ask(site, f"/console/platforms/{NODE}/pause", {"reason": " "})
    assert status == 400 and "填写理由" in said(page) and await site.store.pauses() == []
    status, page, _ = await ask(site, f"/console/platforms/{NODE}/pause", {"reason": "对方割接"})
    assert status == 200 and "已暂停" in said(page.get_element_by_id(NODE))
    assert "a-operator: 对方割接" in said(page.get_element_by_id(NODE))
    (row,) = await site.store.pauses()
    assert (row.receiver, row.actor, row.reason) == (NODE, "a-operator", "对方割接")
    await ask(site, f"/console/platforms/{NODE}/resume", {"reason": "割接完成"})
    assert await site.store.pauses() == []
    resumed, paused = (await site.store.acts(2, NODE))[:2]
    assert (resumed.act, resumed.reason, paused.act, paused.origin) == (
        "resume",
        "割接完成",
        "pause",
        "127.0.0.1",
    )


async def test_all_are_paused_at_once_and_no_single_one_is_resumed_then(site: Site) -> None:
    _, page, _ = await ask(site, "/console/platforms/all/pause", {"reason": "恢复演练"})
    assert "对所有接收方的投递已暂停" in said(page)
    assert not page.xpath("//article//form")
    await ask(site, "/console/platforms/all/resume", {"reason": "演练结束"})
    assert await site.store.pauses() == []


async def test_a_breaker_is_told_with_its_cause_and_next_probe(site: Site) -> None:
    await site.store.move_health(NODE, ("up",), "open", for_s=40, code="delivery.unreachable", text="refused")
    _, page, _ = await ask(site, "/console/platforms")
    told = said(page.get_element_by_id(NODE))
    assert "已断开" in told and "delivery.unreachable refused" in told and "连续断开 1 次" in told
    assert "秒后探测" in told


async def test_who_may_only_look_has_no_switch(site: Site) -> None:
    _, page, _ = await ask(site, "/console/platforms", cookies=await cookie_of(site.store, "viewer"))
    assert not page.xpath("//main//form")


async def test_mappings_are_read_again_by_the_system_administrator(site: Site) -> None:
    system = await cookie_of(site.store, "system")
    status, page, _ = await ask(site, "/console/platforms/reload", {"reason": "新版映射"}, system)
    assert status == 200 and "已重新读取" in said(page)
    act = (await site.store.acts())[0]
    assert (act.actor, act.act, act.reason, act.detail["errors"]) == (
        "a-system",
        "reload mappings",
        "新版映射",
        0,
    )


def test_what_differs_between_disk_and_running_is_told_field_by_field() -> None:
    settings = load_settings(ROOT)
    assert compare_with_disk(settings) == ([], ())
    changed = replace(settings, gateway=settings.gateway.model_copy(update={"workers": 7}))
    (found,) = compare_with_disk(changed)[0]
    assert (found.place, found.running, found.on_disk) == (
        "gateway.workers",
        "7",
        str(settings.gateway.workers),
    )


def test_files_that_are_wrong_are_told_and_not_raised(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    differences, findings = compare_with_disk(replace(load_settings(ROOT), root=tmp_path))
    assert differences == [] and findings


@pytest.mark.parametrize("name", ["paused", "up"])
async def test_standing_is_the_same_at_the_terminal(site: Site, name: str) -> None:
    if name == "paused":
        await site.store.pause_receiver(NODE, "li", "x")
    found, _ = await standings(site.settings, site.store)
    assert {one.platform.id: one.state for one in found}[NODE] == name
