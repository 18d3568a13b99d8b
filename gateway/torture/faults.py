"""What is done to the gateway while messages flow: kills, a clock that is wrong, a database that goes, a full disk."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.torture.nodes import LEASE_S, Node
from gateway.torture.senders import wait_for
from gateway.torture.stage import Stage

# The gateway's places (gateway/failpoints.py), written down once more: the driver shares no code with it.
PLACES = (
    "intake.drafted", "intake.accepted", "intake.sealed", "accept.written", "accept.before-commit",
    "accept.after-commit", "evidence.before-sign", "evidence.signed", "delivery.claimed", "claim.before-commit",
    "claim.after-commit", "http.sealed", "http.answered", "delivery.answered", "record.written",
    "record.before-commit", "record.after-commit", "delivery.recorded", "act.before-commit", "act.after-commit",
    "blob.before-put", "blob.written", "blob.synced", "blob.before-move", "blob.moved",
)  # fmt: skip
_WRONG_CLOCK_S = (0, 0, 0, 0, 600, -600)
_PATIENCE_S = 8.0
_RARE_PATIENCE_S = 12.0
_REST_S = 0.2
_UNTIL_STEP_S = 0.5


@dataclass(frozen=True, slots=True)
class Life:
    """How a process is to end: at a place, at a request that it sent, or after some seconds. `steps`: its clock goes
    wrong by `clock_s` while it runs, not from the start."""

    failpoint: str = ""
    at_request: bool = False
    after_s: float = 0.0
    clock_s: int = 0
    steps: bool = False


def lives(stage: Stage) -> Iterator[Life]:
    """Of five three at places, one at any time, one at a receiver's door; the clock is right four times of six, and of
    those that are not each other one is right at first (where the library for it is installed).
    Each store begins elsewhere among the places, so that two short runs come to all of them."""
    dice, nodes = stage.load.dice, stage.plan.nodes  # the more there are, the longer each lives
    first = len(PLACES) // 2 * (stage.plan.store == "postgres")
    places, clocks = itertools.cycle(PLACES[first:] + PLACES[:first]), itertools.cycle(_WRONG_CLOCK_S)
    for turn in itertools.count():
        clock_s = next(clocks)
        steps = clock_s != 0 and turn // len(_WRONG_CLOCK_S) % 2 == 1 and stage.can_step_clocks
        if turn % 5 == 1:
            yield Life(after_s=dice.uniform(0.1, 1.5 * nodes), clock_s=clock_s, steps=steps)
        elif turn % 5 == 3:
            yield Life(at_request=True, clock_s=clock_s, steps=steps)
        else:
            place = next(places)
            many = place.startswith(("act.", "blob."))
            failpoint = f"{place}:{dice.randrange(1, 3 if many else 25 * nodes)}"
            yield Life(failpoint=failpoint, clock_s=clock_s, steps=steps)


async def kill_again_and_again(stage: Stage, node: Node, plan: Iterator[Life], enough: asyncio.Event) -> None:
    """One node's fate, until there is enough."""
    while not enough.is_set():
        if sum(stage.kills.values()) >= stage.plan.kills:
            if not node.is_alive:
                await node.start()
            await wait_for(enough, 1.0)
            continue
        life = next(plan)
        async with stage.starting:  # one at a time, so that the others have the machine
            wrong_s = 0 if life.steps else life.clock_s
            ready = await node.start(failpoint=life.failpoint, clock_s=wrong_s, steps=life.steps)
        if not ready:
            await node.died(5)
            if life.failpoint and node.process is not None and node.process.returncode == -signal.SIGKILL:
                stage.idle_kills += 1
            else:
                stage.faults["start-refused"] += 1  # its database is away, its disk is full
            await wait_for(enough, _REST_S)
            continue
        if life.steps:
            if not await node.died(_UNTIL_STEP_S):
                node.step_clock(life.clock_s)
                stage.faults["clock-step"] += 1
        elif life.clock_s:
            stage.faults["clock"] += 1
        await _live(stage, node, life)


async def _live(stage: Stage, node: Node, life: Life) -> None:
    what = life.failpoint.partition(":")[0] or ("at-request" if life.at_request else "any-time")
    if life.failpoint:
        rare = life.failpoint.startswith(("act.", "blob."))
        if not await node.died(_RARE_PATIENCE_S if rare else _PATIENCE_S):
            what = "any-time"
    elif life.at_request:
        await _a_request(stage, node)
    else:
        await node.died(life.after_s)
    if node.is_alive:
        in_flight = stage.in_flight
        node.kill()
    else:
        in_flight = stage.in_flight
    await node.died(10)
    code = node.process.returncode if node.process is not None else None
    if code != -signal.SIGKILL:
        stage.crashed.append(f"{node.name} ended by itself: {code}: {node.last_words()}")
    elif in_flight:
        stage.kills[what] += 1
    else:
        stage.idle_kills += 1


async def _a_request(stage: Stage, node: Node) -> None:
    """Until a receiver has a request in its hands."""
    before = stage.ledger.arrived
    for _ in range(2000):
        if not node.is_alive or (
            stage.ledger.arrived > before and any(receiver.open_requests for receiver in stage.receivers)
        ):
            return
        await asyncio.sleep(0.002)


async def trouble_the_database(stage: Stage, enough: asyncio.Event) -> None:
    """Restarts without a goodbye, and nodes that are cut off for longer than a lease."""
    if stage.server is None:
        return
    dice = stage.load.dice
    for turn in itertools.count():
        if await wait_for(enough, dice.uniform(5.0, 9.0)):
            return
        if turn % 2:
            await asyncio.to_thread(stage.server.stop)
            await asyncio.to_thread(stage.server.start)
            stage.faults["database-restart"] += 1
        else:
            way = dice.choice(stage.ways)
            way.shut()
            await wait_for(enough, LEASE_S + 1.5)
            way.open()
            stage.faults["cut-off"] += 1


async def fill_the_disk(stage: Stage, enough: asyncio.Event) -> None:
    if stage.disk is None:
        return
    dice = stage.load.dice
    while not await wait_for(enough, dice.uniform(5.0, 9.0)):
        if stage.disk.fill():
            stage.faults["disk-full"] += 1
        await wait_for(enough, 1.5)
        stage.disk.empty()
