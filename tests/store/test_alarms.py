"""Alarms in the store: one judges at a time, one alarm a rule and labels, and what is told of them is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.alarmrules import Rule, Sample
from gateway.store import Store
from gateway.store.alarmrows import DEAD, DONE, READY
from gateway.store.contract import AlarmFilter, ResolveRefused
from tests.store.conftest import OpenStore

LABELS = (("state", "dead"),)
RULE = Rule(
    "dead-letters", "死信", "Dead letters", "gateway_deliveries", (("state", "dead"),), ">", 0, 0, "warning",
    ("duty", "mail"),
)  # fmt: skip
SEEN = Sample("gateway_deliveries", LABELS, 3)
OPEN = AlarmFilter(is_open=True)


async def judge(
    store: Store, samples: Sequence[Sample], rule: Rule = RULE, holder: str = "w1", scope: str = ""
) -> list[str] | None:
    assert await store.take_alarm_lease(scope, holder, 60)
    moved = await store.judge_alarms(scope, holder, [rule], samples)
    return None if moved is None else [move.kind for move, _ in moved]


async def test_one_judges_at_a_time_and_another_goes_on_when_it_is_gone(store: Store) -> None:
    assert await store.take_alarm_lease("", "w1", 60)
    assert not await store.take_alarm_lease("", "w2", 60)
    assert await store.take_alarm_lease("node-b", "w2", 60)  # another scope
    assert await store.judge_alarms("", "w2", [RULE], [SEEN]) is None
    assert await store.alarms(AlarmFilter()) == []
    assert await store.take_alarm_lease("", "w1", -1)  # its holder is gone
    assert await store.judge_alarms("", "w1", [RULE], [SEEN]) is None
    assert await store.take_alarm_lease("", "w2", 60)
    assert await store.judge_alarms("", "w2", [RULE], [SEEN])


async def test_of_several_that_ask_at_once_one_gets_the_lease(make_store: OpenStore) -> None:
    one, other = make_store(), make_store()
    await one.open()
    await other.open()
    taken = await asyncio.gather(
        *(store.take_alarm_lease("", name, 60) for store, name in ((one, "a"), (other, "b"), (one, "c")))
    )
    assert sum(taken) == 1
    await one.close()
    await other.close()


async def test_an_alarm_fires_once_is_acknowledged_once_and_ends(store: Store) -> None:
    assert await judge(store, [SEEN]) == ["fire"]
    assert await judge(store, [replace(SEEN, value=5)]) == []
    (row,) = await store.alarms(OPEN)
    assert (row.state, row.value, row.labels, row.severity) == ("firing", 5.0, LABELS, "warning")
    assert row.since and row.fired_at and not row.ended_at
    assert await store.alarm_counts() == {("warning", "firing"): 1}
    with pytest.raises(ResolveRefused, match="no-reason"):
        await store.acknowledge_alarm(row.id, "li", " ")
    acknowledged = await store.acknowledge_alarm(row.id, "li", "looking at it", origin="console")
    assert (acknowledged.state, acknowledged.acknowledged_by, acknowledged.reason) == (
        "acknowledged", "li", "looking at it",
    )  # fmt: skip
    with pytest.raises(ResolveRefused, match="not-firing"):
        await store.acknowledge_alarm(row.id, "wang", "me too")
    with pytest.raises(LookupError):
        await store.acknowledge_alarm("none", "wang", "me too")
    (act,) = await store.acts(5)
    assert (act.actor, act.act, act.subject, act.reason, act.detail["rule"]) == (
        "li", "acknowledge alarm", row.id, "looking at it", "dead-letters",
    )  # fmt: skip
    assert await judge(store, [SEEN]) == []  # it is known, and stays acknowledged
    assert await judge(store, [], replace(RULE, is_active=False)) == ["end"]
    ended = await store.find_alarm(row.id)
    assert ended is not None and ended.state == "ended" and ended.ended_at and ended.reason == "looking at it"
    assert await store.alarms(OPEN) == [] and await store.alarm_counts() == {}
    assert await judge(store, [SEEN]) == ["fire"]  # another one
    assert len(await store.alarms(AlarmFilter(rule="dead-letters"))) == 2
    assert await store.alarms(AlarmFilter(severity="critical")) == []


async def test_a_life_goes_on_in_another_process(make_store: OpenStore) -> None:
    first = make_store()
    await first.open()
    slow = replace(RULE, for_s=3600)
    assert await judge(first, [SEEN], slow) == []
    assert await first.alarms(AlarmFilter()) == []  # pending: nobody's business yet
    await first.close()
    second = make_store()
    await second.open()
    assert await judge(second, [SEEN], slow) == []
    assert await judge(second, [SEEN]) == ["fire"]  # its time is over: the same alarm
    (row,) = await second.alarms(AlarmFilter())
    assert row.since <= row.fired_at
    await second.close()


async def test_scopes_do_not_end_each_others_alarms(store: Store) -> None:
    assert await judge(store, [SEEN]) == ["fire"]
    of_node = replace(SEEN, labels=(("node", "n1"), ("state", "dead")))
    assert await judge(store, [of_node], scope="n1") == ["fire"]
    assert {row.scope for row in await store.alarms(OPEN)} == {"", "n1"}


async def test_the_alarms_of_a_node_that_is_gone_for_a_day_end(store: Store) -> None:
    for node, ago in (("gone", -2 * 86_400), ("late", -60)):
        assert await judge(store, [SEEN], scope=node) == ["fire"]
        await store.take_alarm_lease(node, "w1", ago)
    assert await judge(store, []) == ["end"]
    assert {row.scope for row in await store.alarms(OPEN)} == {"late"}


async def test_each_target_is_told_until_it_arrives_or_is_given_up(store: Store) -> None:
    await judge(store, [SEEN])
    taken = {row.target: row for row in await store.take_notifications(10, 60)}
    assert set(taken) == {"duty", "mail"} and await store.take_notifications(10, 60) == []
    duty, mail = taken["duty"], taken["mail"]
    assert (duty.kind, duty.attempts, duty.body["value"], duty.body["labels"]) == (
        "fired", 1, 3.0, {"state": "dead"},
    )  # fmt: skip
    assert duty.body["id"] == duty.id and duty.body["title_zh"] == "死信"
    assert await store.end_notification(duty)
    assert not await store.end_notification(duty, "late")  # it arrived
    assert await store.end_notification(mail, "SMTP 451", retry_in_s=0)
    (again,) = await store.take_notifications(10, 60)
    assert (again.id, again.attempts, again.fault) == (mail.id, 2, "SMTP 451")
    assert not await store.end_notification(mail)  # that was the first attempt, and its time was over
    assert await store.end_notification(again, "SMTP 550")
    states = {row.target: (row.state, row.fault) for row in await store.notifications_of(duty.alarm)}
    assert states == {"duty": (DONE, ""), "mail": (DEAD, "SMTP 550")}
    assert await store.notifications_dead() == 1


async def test_what_its_sender_left_lying_is_taken_by_another(store: Store) -> None:
    await judge(store, [SEEN])
    assert len(await store.take_notifications(10, 0)) == 2
    assert [row.attempts for row in await store.take_notifications(10, 60)] == [2, 2]


async def test_a_test_is_a_notification_and_audited(store: Store) -> None:
    id_ = await store.test_target("duty", "chen", "new phone")
    (row,) = await store.notifications()
    assert (row.id, row.kind, row.target, row.state, row.body["by"]) == (id_, "test", "duty", READY, "chen")
    assert (await store.acts(1))[0].act == "test alarm target"


async def test_a_changed_rule_goes_before_the_configurations_and_can_be_taken_back(store: Store) -> None:
    changed = replace(RULE, threshold=10.0, targets=(), is_active=False)
    await store.put_alarm_rule(changed, RULE, "chen", "too loud")
    (found,) = await store.alarm_rules([RULE])
    assert (found.rule, found.changed_by) == (changed, "chen") and found.changed_at
    own = replace(RULE, name="own-rule")
    await store.put_alarm_rule(own, None, "chen", "wanted")
    assert [one.rule.name for one in await store.alarm_rules([RULE])] == ["dead-letters", "own-rule"]
    assert await judge(store, [SEEN], RULE) == ["fire"]  # by the own rule
    act = (await store.acts(2))[1]
    assert act.act == "set alarm rule" and "> 0 " in act.detail["before"] and "> 10 " in act.detail["after"]
    assert await store.drop_alarm_rule("dead-letters", "chen", "as it was")
    assert not await store.drop_alarm_rule("dead-letters", "chen", "again")
    assert (await store.alarm_rules([RULE]))[0].rule == RULE
