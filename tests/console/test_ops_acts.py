"""/v1/ops beyond the message log: what scripts see and do is what people see and do at the pages."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway import clock
from gateway.rights import DEPARTMENT, Scope
from gateway.store.requestrows import RUNNING, RequestRow
from tests.console.conftest import Site
from tests.console.people import cookie_of
from tests.console.seed import NO, RETURNED_NO
from tests.console.test_bulk import CODE, die
from tests.console.test_ops import ADMIN, Tokens, ask, token_of

WHY = "对方已修复"


async def test_a_receiver_is_paused_and_resumed_for_a_reason_and_audited(site: Site) -> None:
    token = await token_of(site)
    for body in ({}, {"reason": " "}, {"reason": 5}):
        status, said = await ask(site, "/platforms/GGZY-ZPT/pause", token, method="POST", json=body)
        assert (status, said["code"]) == (400, "ops.reason-missing")
    for word, state in (("pause", "paused"), ("resume", "up")):
        status, said = await ask(
            site, f"/platforms/GGZY-ZPT/{word}", token, method="POST", json={"reason": WHY}
        )
        assert status == 200 and said["changed"] is True
        _, listed = await ask(site, "/platforms", token)
        assert {one["id"]: one["state"] for one in listed["platforms"]}["GGZY-ZPT"] == state
    assert [one.reason for one in await site.store.acts(subject="GGZY-ZPT")] == [WHY, WHY]
    assert (await ask(site, "/platforms/NOBODY/pause", token, method="POST", json={"reason": WHY}))[0] == 404


async def test_dead_letters_are_seen_foreseen_and_replayed(site: Site) -> None:
    dead = await die(site, 3)
    token = await token_of(site)
    _, seen = await ask(site, f"/deliveries/stuck?code={CODE}", token)
    assert [one["id"] for one in seen["deliveries"]] == dead
    assert [one["count"] for one in seen["causes"] if one["code"] == CODE] == [3]
    act = {"action": "replay", "reason": WHY, "deliveries": dead}
    _, told = await ask(site, "/deliveries/preview", token, method="POST", json=act)
    assert [one["delivery"] for one in told["outcomes"]] == dead and not told["needs_second"]
    _, begun = await ask(site, "/deliveries/requests", token, method="POST", json=act)
    ended = await until_done(site, begun["id"], token)
    assert (ended["items"], ended["told"], ended["refused"], ended["actor"]) == (3, 3, 0, "a-operator")


async def test_many_wait_for_a_second_person_who_is_another_one(site: Site) -> None:
    dead = await die(site, site.settings.gateway.console_approve_above + 1)
    first = await token_of(site)
    act = {"action": "replay", "reason": WHY, "deliveries": dead}
    _, asked = await ask(site, "/deliveries/requests", first, method="POST", json=act)
    assert asked["state"] == "asked"
    path, yes = f"/deliveries/requests/{asked['id']}/decide", {"approved": True, "reason": "看过"}
    status, said = await ask(site, path, first, method="POST", json=yes)
    assert status == 409 and said["code"].startswith("ops.")
    second = await token_of(site, name="b-operator")
    _, found = await ask(site, "/deliveries/requests?limit=5", second)
    waiting = [
        (one["id"], one["actor"], one["items"]) for one in found["requests"] if one["state"] == "asked"
    ]
    assert waiting == [(asked["id"], "a-operator", len(dead))]
    on = f"/deliveries/requests/{asked['id']}/go-on"
    assert (await ask(site, on, second, method="POST"))[1][
        "state"
    ] == "asked"  # nothing goes on without the word
    status, said = await ask(site, path, second, method="POST", json={"approved": "yes", "reason": "看过"})
    assert status == 400
    assert (await ask(site, path, second, method="POST", json=yes))[0] == 200
    assert (await until_done(site, asked["id"], second))["approver"] == "b-operator"


async def test_an_act_whose_process_ended_goes_on_and_one_that_is_under_way_is_left(site: Site) -> None:
    dead, token, now = await die(site, 2), await token_of(site), clock.now_ms()
    for name, seen_at in (("FRESH", now), ("SILENT", now - 60_000)):
        row = RequestRow(name, "replay", WHY, False, "a-operator", seen_at, RUNNING, seen_at=seen_at)
        await site.store.add_request(row, dead[:1] if name == "FRESH" else dead[1:])
        assert (await ask(site, f"/deliveries/requests/{name}/go-on", token, method="POST"))[0] == 200
    assert (await until_done(site, "SILENT", token))["told"] == 1
    assert (await ask(site, "/deliveries/requests/FRESH", token))[1]["told"] == 0


async def until_done(site: Site, request: str, token: str) -> Any:
    for _ in range(200):
        _, told = await ask(site, f"/deliveries/requests/{request}", token)
        if told["state"] == "done":
            return told
        await asyncio.sleep(0.02)
    raise AssertionError("the request did not end")


async def test_what_cannot_be_an_act_is_said(site: Site) -> None:
    token = await token_of(site)
    for body, status in (
        ({"action": "burn", "reason": WHY, "deliveries": [1]}, 400),
        ({"action": "replay", "deliveries": [1]}, 400),
        ({"action": "replay", "reason": WHY, "deliveries": ["1"]}, 400),
        ({"action": "replay", "reason": WHY, "deliveries": [True]}, 400),
        ({"action": "replay", "reason": WHY, "deliveries": list(range(1001))}, 413),
        ([], 400),
    ):
        assert (await ask(site, "/deliveries/requests", token, method="POST", json=body))[0] == status
    assert (await ask(site, "/deliveries/preview", token, method="POST", data=b"{"))[0] == 400


async def test_applications_are_told_within_the_bounds_of_who_asks(site: Site) -> None:
    token = await token_of(site)
    _, listed = await ask(site, "/applications", token)
    assert listed["total"] == 2 and {one["state"] for one in listed["applications"]} == {"60", "43"}
    _, one = await ask(site, f"/applications/{NO}", token)
    assert [step["number"] for step in one["steps"]] == [1, 2, 3, 4, 5, 6, 7] and one["payees"]
    assert [person["name"] for person in one["contacts"]] == ["市财政局国库处值班"]
    assert one["authority"] == "上海市交通委员会"
    _, returned = await ask(site, f"/applications/{RETURNED_NO}", token)
    assert [person["name"] for person in returned["contacts"]] == ["建设工程分中心值班"]
    assert one["trace"] and one["app_fen"] == 125_000_050 and one["contract"]["price_fen"] == 500_000_000
    _, sums = await ask(site, "/applications/totals", token)
    assert [(one["name"], one["count"]) for one in sums["division"]] == [("310000", 2)]
    assert [(one["name"], one["title_zh"], one["title_en"], one["paid_fen"]) for one in sums["kind"]] == [
        ("01", "公路养护工程", "Highway maintenance", 0)
    ]
    assert set(sums) == {"month", "division", "kind", "state"}
    await cookie_of(site.store, DEPARTMENT, Scope(divisions=("310115",)), name="district")
    district = await Tokens(site.store).make("district", "a script", 1, ADMIN, "nightly")
    assert (await ask(site, "/applications", district))[1]["total"] == 0
    assert (await ask(site, f"/applications/{NO}", district))[0] == 404
    assert (await ask(site, "/applications/totals", district))[1]["division"] == []


async def test_the_audit_and_the_users_are_for_their_administrators(site: Site) -> None:
    _, told = await ask(site, "/users", await token_of(site, "security"))
    assert "a-operator" in {one["name"] for one in told["users"]}
    assert not any({"password", "totp", "recovery"} & set(one) for one in told["users"])
    token = await token_of(site, "audit")
    _, first = await ask(site, "/audit?limit=1", token)
    _, second = await ask(site, f"/audit?limit=1&before={first['older']}", token)
    assert first["acts"][0]["id"] > second["acts"][0]["id"]
    assert (await ask(site, "/audit?since=yesterday", token))[0] == 422


async def test_the_overview_refusals_and_mappings_are_told(site: Site) -> None:
    token = await token_of(site)
    _, seen = await ask(site, "/overview", token)
    assert len(seen["messages"]) == 60 and sum(seen["messages"]) == 6 and seen["alarms"] == []
    _, refused = await ask(site, "/refusals", token)
    assert refused["refusals"][0]["faults"][0]["path"] == "金额/申请"
    assert (await ask(site, "/mappings", token))[1] == {"mappings": []}


async def test_the_standard_is_told(site: Site) -> None:
    token = await token_of(site)
    _, types = await ask(site, "/standard/types", token)
    assert [one["number"] for one in types["types"]] == [one.number for one in site.standard.catalogue]
    _, one = await ask(site, "/standard/types/4002", token)
    (account,) = (row for row in one["elements"] if row["path"] == "Payees/Payee/AcctNo")
    assert (account["leaf"], account["sensitive"]) == (True, "account") and one["sample"]
    assert (await ask(site, "/standard/types/0000", token))[0] == 404
    names = {row["name"] for row in (await ask(site, "/standard/codes", token))[1]["tables"]}
    _, table = await ask(site, "/standard/codes/status", token)
    assert "status" in names and "60" in {row["code"] for row in table["codes"]}
    assert (await ask(site, "/standard/codes/none", token))[0] == 404
    rules = (await ask(site, "/standard/rules", token))[1]["rules"]
    assert len(rules) > 100 and all(one["id"] and one["zh"] and one["en"] for one in rules)


async def test_what_is_configured_is_told(site: Site) -> None:
    token = await token_of(site)
    _, one = await ask(site, "/platforms/GGZY-JSGC", token)
    platform = site.settings.platforms["GGZY-JSGC"]
    assert (one["breaker"], one["backlog"], one["receives"]) == (
        "up",
        platform.backlog,
        list(platform.receives),
    )
    assert (
        one["connector"]["url"] == platform.connector.url and one["limits"]["burst"] == platform.limits.burst
    )
    assert one["contacts"] == [{"name": "建设工程分中心值班", "role": "运行维护", "phone": ""}]
    assert {key["name"] for key in one["keys"]} and not any("PRIVATE" in str(key) for key in one["keys"])
    assert (await ask(site, "/platforms/NOBODY", token))[0] == 404
    _, ways = await ask(site, "/routes", token)
    assert len(ways["routes"]) == len(site.settings.routes) and ways["own_keys"]
    assert {row["treasury"] for row in ways["coverage"]} == {
        row.treasury for row in site.settings.coverage.rows
    }
