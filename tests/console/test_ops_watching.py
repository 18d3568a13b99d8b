"""/v1/ops of alarms, reconciled days and checkpoints."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.console.conftest import Site
from tests.console.test_alarms import fire
from tests.console.test_keeping import DAY, DIFFERENCES, TREASURY, receipt_of
from tests.console.test_ops import ask, token_of


async def test_an_alarm_is_taken_on_by_a_script_once(site: Site) -> None:
    alarm, token = await fire(site), await token_of(site)
    _, listed = await ask(site, "/alarms?open=1", token)
    assert [(one["id"], one["rule"], one["state"]) for one in listed["alarms"]] == [
        (alarm, "dead-letters", "firing")
    ]
    path = f"/alarms/{alarm}/acknowledge"
    assert (await ask(site, path, token, method="POST", json={"reason": " "}))[0] == 422
    assert (await ask(site, path, token, method="POST", data=b"{"))[0] == 400
    status, said = await ask(site, path, token, method="POST", json={"reason": "on it"})
    assert status == 200 and (said["state"], said["acknowledged_by"]) == ("acknowledged", "a-operator")
    status, said = await ask(site, path, token, method="POST", json={"reason": "on it"})
    assert status == 409 and said["code"] == "ops.not-firing"
    assert (await ask(site, "/alarms/none", token))[0] == 404
    _, one = await ask(site, f"/alarms/{alarm}", token)
    assert one["reason"] == "on it" and one["notifications"] == []
    assert (await ask(site, "/alarms?severity=critical", token))[1]["alarms"] == []
    assert (await ask(site, "/alarms?severity=loud", token))[0] == 422


async def test_rules_are_told_as_they_hold(site: Site) -> None:
    _, said = await ask(site, "/alarm-rules", await token_of(site, "viewer"))
    assert {one["name"] for one in said["rules"]} == {one.name for one in site.settings.alarm_rules}


async def test_a_day_is_told_with_its_differences(site: Site) -> None:
    await site.store.put_reconciliation(DAY, DIFFERENCES)
    token = await token_of(site)
    _, listed = await ask(site, "/reconciliations?state=different", token)
    assert [(one["day"], one["here_fen"]) for one in listed["reconciliations"]] == [("20261126", 120_000_000)]
    assert (await ask(site, "/reconciliations?state=agreed", token))[1]["reconciliations"] == []
    assert (await ask(site, "/reconciliations?state=odd", token))[0] == 422
    _, one = await ask(site, f"/reconciliations/20261126/{TREASURY}", token)
    assert [(each["kind"], each["there_fen"]) for each in one["differences"]] == [
        ("missing-there", 0), ("amount", 99_999_999),
    ]  # fmt: skip


async def test_checkpoints_are_told_and_verified(site: Site) -> None:
    token = await token_of(site, "audit")
    _, page = await ask(site, "/checkpoints?limit=4", token)
    assert [one["size"] for one in page["checkpoints"]] == [6, 5, 4, 3] and page["older"] == 3
    _, rest = await ask(site, f"/checkpoints?before={page['older']}", token)
    assert [one["size"] for one in rest["checkpoints"]] == [2, 1] and rest["older"] == 0
    _, checked = await ask(site, "/checkpoints/check", token)
    assert (checked["checked"], checked["size"], checked["fault"]) == (6, 6, "")
    assert checked["root"] == page["checkpoints"][0]["root"]
    assert (await ask(site, "/checkpoints?log=none", token))[0] == 422


@pytest.mark.parametrize(
    ("change", "valid", "fault"),
    [({}, True, ""), ({"index": 2}, False, "evidence.false"), ({"checkpoint": {}}, False, "evidence.no-receipt")],
)  # fmt: skip
async def test_a_receipt_is_verified_by_a_script(
    site: Site, change: dict[str, Any], valid: bool, fault: str
) -> None:
    data = orjson.dumps({**await receipt_of(site), **change})
    _, said = await ask(site, "/receipts/verify", await token_of(site, "audit"), method="POST", data=data)
    assert (said["valid"], said["fault"]) == (valid, fault) and bool(said["proves"]) == valid
