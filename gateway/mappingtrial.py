"""A candidate of a mapping on the messages that came last: what would be otherwise, before it goes live. Reads only."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass
from typing import Any

from gateway.errors import GatewayError
from gateway.mapping import Context, Mapping
from gateway.message import Record
from gateway.settings import Platform
from gateway.store.contract import MessageFilter, MessageRow, Store

# What a mapping reads of a message that a platform sent or was sent; GatewayError where it cannot be read.
Given = Callable[[Platform, MessageRow], tuple[Record, Context]]
SAME, CHANGED, NOW_FAILS, NOW_WORKS, BOTH_FAIL = "same", "changed", "now-fails", "now-works", "both-fail"


@dataclass(frozen=True, slots=True)
class Differing:
    """One place whose value would be another one; "" where there is none."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What the candidate makes of one message. `fault`: why it, or the version in force, makes nothing."""

    message: MessageRow
    verdict: str
    differing: tuple[Differing, ...] = ()
    fault: str = ""


async def try_on_last(
    store: Store,
    platforms: Table[str, Platform],
    running: Mapping,
    candidate: Mapping,
    last: int,
    given: Given,
) -> list[Trial]:
    """On the newest `last` messages that it is for. `given` says what a mapping reads of one."""
    found = await messages_of(store, platforms, candidate, last)
    return [_try(running, candidate, row, functools.partial(given, platform, row)) for platform, row in found]


async def messages_of(
    store: Store, platforms: Table[str, Platform], mapping: Mapping, last: int
) -> list[tuple[Platform, MessageRow]]:
    """The newest `last` messages of the type that platforms of the profile sent (in) or were sent (out), each with
    that platform; newest first."""
    found: list[tuple[Platform, MessageRow]] = []
    for platform in platforms.values():
        if platform.profile != mapping.profile:
            continue
        wanted = (
            MessageFilter(type=mapping.number, sender=platform.id, limit=last)
            if mapping.direction == "in"
            else MessageFilter(type=mapping.number, receiver=platform.id, limit=last)
        )
        found += [(platform, row) for row in await store.search(wanted)]
    return sorted(found, key=lambda one: one[1].id, reverse=True)[:last]


def _try(
    running: Mapping, candidate: Mapping, row: MessageRow, read: Callable[[], tuple[Record, Context]]
) -> Trial:
    try:
        record, context = read()
    except GatewayError as error:
        return Trial(row, BOTH_FAIL, fault=str(error))
    before, old_fault = _made(running, record, context)
    after, new_fault = _made(candidate, record, context)
    if new_fault:
        return Trial(row, BOTH_FAIL if old_fault else NOW_FAILS, fault=new_fault)
    if old_fault:
        return Trial(row, NOW_WORKS, fault=old_fault)
    found = tuple(compare_records(before, after))
    return Trial(row, CHANGED if found else SAME, found)


def _made(mapping: Mapping, record: Record, context: Context) -> tuple[Record, str]:
    """The target's record, or why there is none."""
    try:
        return mapping.apply(record, context), ""
    except GatewayError as error:
        return {}, str(error)


def compare_records(before: Any, after: Any, path: str = "") -> Sequence[Differing]:
    """Every leaf that differs, in the order of the paths."""
    old, new = dict(_leaves(before, path)), dict(_leaves(after, path))
    return [
        Differing(one, old.get(one, ""), new.get(one, ""))
        for one in sorted(old.keys() | new.keys())
        if old.get(one) != new.get(one)
    ]


def _leaves(value: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [
            leaf for name, one in value.items() for leaf in _leaves(one, f"{path}/{name}" if path else name)
        ]
    if isinstance(value, list):
        return [leaf for place, one in enumerate(value, 1) for leaf in _leaves(one, f"{path}[{place}]")]
    return [(path, "" if value is None else str(value))]
