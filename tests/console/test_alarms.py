"""Alarms on the page: seen, acknowledged with a reason; rules changed by the right role alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import pytest_asyncio

from gateway.alarmfile import NotifySettings
from gateway.alarmrules import Rule, Sample
from gateway.console.texts import TEXTS
from gateway.console.world import WORLD
from gateway.store.contract import AlarmFilter
from tests.console.conftest import Site
from tests.console.people import cookie_of
from tests.console.test_bulk import ask, said

DEAD = (("state", "dead"),)
GOOD = {
    "title_zh": "死信过多", "title_en": "Too many dead letters", "metric": "gateway_deliveries", "labels": "state=dead",
    "comparison": ">=", "threshold": "5", "for_s": "30", "repeat_s": "3600", "severity": "critical", "is_active": "1",
    "reason": "夜班太吵",
}  # fmt: skip


async def fire(site: Site, name: str = "dead-letters", labels: tuple[tuple[str, str], ...] = DEAD) -> str:
    """An alarm that fires now; its id."""
    rules = [replace(one, for_s=0) for one in site.settings.alarm_rules]
    (rule,) = (one for one in rules if one.name == name)
    assert await site.store.take_alarm_lease("", "w1", 60)
    await site.store.judge_alarms("", "w1", rules, [Sample(rule.metric, labels, 3.0)])
    (row,) = await site.store.alarms(AlarmFilter(is_open=True, rule=name))
    return row.id


@pytest_asyncio.fixture(loop_scope="session")
async def system(site: Site) -> dict[str, str]:
    return await cookie_of(site.store, "system")


def give_targets(site: Site) -> None:
    """A webhook that rules may name."""
    target = {"kind": "webhook", "url": "https://hooks.example/x", "secret": "env:S"}
    settings = site.settings.gateway.model_copy(
        update={"notify": NotifySettings.model_validate({"targets": {"duty-hook": target}})}
    )
    world = replace(site.pages[WORLD], settings=replace(site.settings, gateway=settings))
    site.pages._state[WORLD] = world  # the application is frozen once it serves


async def test_an_alarm_is_seen_on_every_page_and_acknowledged_with_a_reason(site: Site) -> None:
    alarm = await fire(site)
    _, page, _ = await ask(site, "/console/stuck")
    assert page.xpath("//nav/a[@href='/console/alarms']/b/text()") == ["1"]
    _, page, _ = await ask(site, "/console/alarms")
    told = said(page.get_element_by_id(f"a-{alarm}"))
    assert "有投递待人工处理" in told and "警告" in told and "告警中" in told and "state=dead" in told
    assert "gateway_deliveries" in told
    status, page, _ = await ask(site, f"/console/alarms/one/{alarm}/acknowledge", {"reason": " "})
    assert status == 400 and "必须填写理由" in said(page)
    status, page, _ = await ask(site, f"/console/alarms/one/{alarm}/acknowledge", {"reason": "对方割接"})
    told = said(page.get_element_by_id(f"a-{alarm}"))
    assert status == 200 and "已由 a-operator 确认" in told and "对方割接" in told
    assert not page.get_element_by_id(f"a-{alarm}").xpath(".//form")
    status, page, _ = await ask(site, f"/console/alarms/one/{alarm}/acknowledge", {"reason": "再来"})
    assert status == 409 and "已被确认或已解除" in said(page)
    (act,) = [one for one in await site.store.acts() if one.act == "acknowledge alarm"]
    assert (act.actor, act.reason, act.origin, act.detail["rule"]) == (
        "a-operator", "对方割接", "127.0.0.1", "dead-letters",
    )  # fmt: skip


@pytest.mark.parametrize("role", ["viewer", "system"])
async def test_who_may_only_look_does_not_acknowledge(site: Site, role: str) -> None:
    alarm = await fire(site)
    cookies = await cookie_of(site.store, role)
    _, page, _ = await ask(site, "/console/alarms", cookies=cookies)
    assert "告警中" in said(page) and not page.xpath("//main//form")
    status, _, _ = await ask(site, f"/console/alarms/one/{alarm}/acknowledge", {"reason": "x"}, cookies)
    assert status == 403


async def test_a_rule_is_changed_and_set_back_by_the_system_administrator(
    site: Site, system: dict[str, str]
) -> None:
    status, page, _ = await ask(site, "/console/alarms/rules/dead-letters", GOOD, system)
    assert status == 200 and 'gateway_deliveries{state="dead"} >= 5' in said(page)
    (found,) = [
        one
        for one in await site.store.alarm_rules(site.settings.alarm_rules)
        if one.rule.name == "dead-letters"
    ]
    assert found.rule == Rule(
        "dead-letters", "死信过多", "Too many dead letters", "gateway_deliveries", DEAD, ">=", 5.0, 30, "critical", (),
        3600,
    )  # fmt: skip
    act = (await site.store.acts(1))[0]
    assert (act.actor, act.act, act.subject, act.reason) == (
        "a-system", "set alarm rule", "dead-letters", "夜班太吵",
    )  # fmt: skip
    assert "> 0" in act.detail["before"] and ">= 5" in act.detail["after"]
    _, page, _ = await ask(
        site, "/console/alarms/rules/dead-letters/reset", {"reason": "恢复"}, system
    )  # fmt: skip
    assert 'gateway_deliveries{state="dead|unknown"} > 0' in said(page)


async def test_a_rule_is_added_once_and_removed(site: Site, system: dict[str, str]) -> None:
    status, page, _ = await ask(site, "/console/alarms/rules", {**GOOD, "name": "night-shift"}, system)
    assert status == 200 and "night-shift" in said(page)
    status, page, _ = await ask(site, "/console/alarms/rules", {**GOOD, "name": "night-shift"}, system)
    assert status == 400 and "名称已存在" in said(page)
    _, page, _ = await ask(site, "/console/alarms/rules/night-shift/reset", {"reason": "不再需要"}, system)
    assert "night-shift" not in said(page)


async def test_a_rule_that_is_wrong_is_told_by_its_field_and_not_kept(
    site: Site, system: dict[str, str]
) -> None:
    for field, value in (
        ("metric", "gateway_intake"), ("labels", "colour=red"), ("threshold", "many"), ("threshold", "nan"),
        ("for_s", "-1"), ("repeat_s", "7"), ("severity", "loud"), ("comparison", "~"), ("title_zh", ""),
        ("reason", " "),
    ):  # fmt: skip
        given = {**GOOD, field: value}
        status, page, _ = await ask(site, "/console/alarms/rules/dead-letters", given, system)
        told = said(page.xpath("//p[@role='alert']")[0])
        assert status == 400 and TEXTS[f"rule.{field}"][0] in told, (field, value, told)
    rules = await site.store.alarm_rules(site.settings.alarm_rules)
    assert not [one for one in rules if one.changed_by]


async def test_a_rule_is_sent_to_targets_of_the_configuration_alone(
    site: Site, system: dict[str, str]
) -> None:
    give_targets(site)
    sent = {**GOOD, "target": "https://elsewhere.example/"}
    status, page, _ = await ask(site, "/console/alarms/rules/dead-letters", sent, system)
    assert status == 400 and "通知对象" in said(page.xpath("//p[@role='alert']")[0])
    status, page, _ = await ask(
        site, "/console/alarms/rules/dead-letters", {**GOOD, "target": "duty-hook"}, system
    )
    assert status == 200 and "duty-hook" in said(page.xpath("//table[contains(@class,'rules')]")[0])
    status, page, _ = await ask(site, "/console/alarms/targets/duty-hook/test", {"reason": "新号码"}, system)
    assert status == 200 and "测试" in said(page) and "待发送" in said(page)
    status, _, _ = await ask(site, "/console/alarms/targets/elsewhere/test", {"reason": "x"}, system)
    assert status == 404


@pytest.mark.parametrize("role", ["operator", "viewer"])
async def test_rules_are_no_operators_to_change(site: Site, role: str) -> None:
    cookies = site.cookies if role == "operator" else await cookie_of(site.store, role)
    status, page, _ = await ask(site, "/console/alarms/rules", cookies=cookies)
    assert status == 200 and "dead-letters" in said(page) and not page.xpath("//main//form")
    for path in ("", "/dead-letters", "/dead-letters/reset"):
        assert (await ask(site, f"/console/alarms/rules{path}", GOOD, cookies))[0] == 403
    assert (await ask(site, "/console/alarms/new-rule", cookies=cookies))[0] == 403


async def test_an_alarm_shows_its_life_and_what_was_told(site: Site) -> None:
    alarm = await fire(site)
    _, page, _ = await ask(site, f"/console/alarms/one/{alarm}")
    assert "条件成立自" in said(page) and "没有通知" in said(page)
    assert (await ask(site, "/console/alarms/one/none"))[0] == 404
