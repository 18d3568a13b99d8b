"""9003: a code becomes valid at its date, in this process at once, in others at their look, and for ever after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway import app, clock
from gateway.client import Refused
from gateway.message import Record
from gateway.settings import load_settings
from gateway.standard.numbers import uscc

from .conftest import House
from .harness import ROOT

JSON = "application/json"
TODAY = clock.now().date()


def change(version: str, *rows: Record, table: str = "subject-status", whole: str = "2") -> Record:
    return {"TableId": table, "TableVersion": version, "FullFlag": whole, "Rows": {"Row": list(rows)}}


def row(code: str, since: str = "", enabled: str = "1") -> Record:
    made = {"Code": code, "NameZh": f"状态{code}", "Enabled": enabled}
    return {**made, "ValidFrom": since} if since else made


async def send(house: House, number: str, record: Record) -> Any:
    key, payload = house.message(number, record)
    return await house.general.submit(number, payload, idem_key=key, content_type=JSON)


def subject(house: House, status: str, serial: int) -> Record:
    code = uscc("91", "310115", f"MA{serial:06d}")
    return {**house.subject(), "LegalCode": code, "LicenseNo": code, "SubjectStatus": status}


async def comes_true(is_so: Callable[[], bool]) -> None:
    for _ in range(400):
        if is_so():
            return
        await asyncio.sleep(0.05)
    pytest.fail("it did not come true within 20 seconds")


async def refusal(house: House, number: str, record: Record) -> Refused:
    with pytest.raises(Refused) as caught:
        await send(house, number, record)
    return caught.value


async def test_a_new_code_is_valid_from_its_day_on_and_after_a_restart(house: House) -> None:
    assert (await refusal(house, "1001", subject(house, "4", 1))).result == "30002"
    tomorrow = clock.d8(TODAY + timedelta(days=1))
    await send(house, "9003", change("v1", row("4", clock.d8(TODAY)), row("5", tomorrow)))
    await send(house, "1001", subject(house, "4", 2))
    assert (await refusal(house, "1001", subject(house, "5", 3))).result == "30002"
    assert house.standard.codes.get("subject-status").is_valid("5", TODAY + timedelta(days=1))
    await house.restart()
    await send(house, "1001", subject(house, "4", 4))
    assert (await refusal(house, "1001", subject(house, "5", 5))).result == "30002"


async def test_a_code_that_is_switched_off_is_refused_and_its_past_stays(house: House) -> None:
    await send(house, "9003", change("v1", row("2", clock.d8(TODAY), enabled="0")))
    assert (await refusal(house, "1001", subject(house, "2", 1))).result == "30002"
    table = house.standard.codes.get("subject-status")
    assert table.is_valid("2", TODAY - timedelta(days=1)) and table.is_valid("1", TODAY)


async def test_a_later_change_lies_over_an_earlier_one(house: House) -> None:
    await send(house, "9003", change("v1", row("4"), row("5")))
    await send(house, "9003", change("v2", row("4"), row("1"), whole="1"))
    table = house.standard.codes.get("subject-status")
    assert {"1", "4"} == {code for code in table.rows if table.is_valid(code, TODAY)}
    assert table.name("1") == "状态1" and table.rows["1"].name_en == "Active"


@pytest.mark.parametrize("table", ["status", "result", "no-such-table"])
async def test_what_the_program_depends_on_cannot_be_changed(house: House, table: str) -> None:
    error = await refusal(house, "9003", change("v1", row("00000"), table=table))
    assert error.result == "30002"
    assert await house.gateway.store.object_messages("code-change") == []


async def test_a_change_that_contradicts_itself_changes_nothing(house: House) -> None:
    twice = change("v1", row("4"), row("4"))
    backwards = change("v1", {**row("4", "20260102"), "ValidTo": "20260101"})
    for record, rule in ((twice, "code-once"), (backwards, "code-term")):
        assert [one["rule"] for one in (await refusal(house, "9003", record)).errors] == [rule]
    assert not house.standard.codes.get("subject-status").is_valid("4", TODAY)


async def test_another_process_on_the_same_data_takes_a_change_up(house: House) -> None:
    other = await app.start(load_settings(ROOT, environ=house.environ, urls=house.sandbox.urls()), poll=False)
    try:
        table = "project-kind"
        before = other.intake.translator.mappings
        await send(house, "9003", change("v1", row("03"), table=table))
        standard = other.intake.translator.standard
        await comes_true(lambda: standard.codes.get(table).is_valid("03", TODAY))
        await comes_true(lambda: other.intake.translator.mappings is not before)
    finally:
        await other.stop()
