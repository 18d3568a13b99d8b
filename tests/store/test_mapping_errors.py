"""What mappings and the standard refused, and forms that could not be made, by day."""

from __future__ import annotations

from gateway import clock
from gateway.errors import Fault
from gateway.store.contract import NewDelivery, Store
from gateway.store.mappingerrors import ErrorDay
from tests.store.samples import accept_id, message, says


def fault(code: str) -> Fault:
    return Fault(code, "A", "错", "wrong", "30001")


async def test_failures_are_counted_by_platform_type_direction_and_day(store: Store) -> None:
    now = clock.now_ms()
    today, yesterday = clock.day_number(now), now - clock.DAY_MS
    for at, type_, code in (
        (now, "3001", "standard.missing-element"),
        (now, "3001", "mapping.no-row"),
        (now, "4002", "standard.empty"),
        (now, "3001", "seal.broken"),  # no mapping was asked
        (yesterday, "3001", "standard.empty"),
        (now - 30 * clock.DAY_MS, "3001", "standard.empty"),
    ):
        await store.note_refusal("GGZY-ZFCG", type_, at, [fault(code)], {})
    unmade = NewDelivery("GGZY-JSGC", "k1", "line", b"", "1-0", fault="no form")
    made = NewDelivery("GGZY-ZPT", "k2", "line", b"{}", "1-0")
    await accept_id(store, message("a", type="3001", judge=says(unmade, made)))
    found = await store.mapping_errors(now - 6 * clock.DAY_MS)
    assert sorted(found, key=lambda one: (one.direction, one.type, one.day)) == [
        ErrorDay("in", "GGZY-ZFCG", "3001", today - 1, 1),
        ErrorDay("in", "GGZY-ZFCG", "3001", today, 2),
        ErrorDay("in", "GGZY-ZFCG", "4002", today, 1),
        ErrorDay("out", "GGZY-JSGC", "3001", today, 1),
    ]


def test_a_day_begins_at_midnight_in_shanghai() -> None:
    midnight = int(clock.parse_t("20261127").timestamp() * 1000)
    assert clock.day_number(midnight) == clock.day_number(midnight - 1) + 1
