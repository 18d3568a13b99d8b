"""One run over one store: faults while messages flow, calm, and then the books are compared."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from gateway.torture import faults
from gateway.torture.nodes import SENDERS
from gateway.torture.senders import lost_files, send_files, send_lines, wait_for
from gateway.torture.stage import Plan, Stage, set_up

_DONE = frozenset({"done", "discarded"})
_LOOK_S = 3.0
MANY_CUTS = 20  # of which some must end a lease in the middle of a write


@dataclass(slots=True)
class Outcome:
    """What a run came to. The lists say what was wrong, one text each."""

    store: str
    nodes: int
    accepted: int
    delivered: int
    stuck: int
    lost: list[str]
    doubled: list[str]
    out_of_order: list[str]
    other: list[str]
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    idle_kills: int = 0
    replayed: int = 0
    files: int = 0
    network: str = ""  # how nodes were cut off from the database, in words
    late_writes: int = 0  # refused: their lease had run out
    seconds: float = 0.0

    def told(self) -> dict[str, object]:
        return {
            "store": self.store, "nodes": self.nodes, "kills": self.kills.total(),
            "faults": self.faults.total(), "accepted": self.accepted, "delivered": self.delivered,
            "lost": len(self.lost), "doubled": len(self.doubled), "out_of_order": len(self.out_of_order),
            "stuck": self.stuck,
        }  # fmt: skip

    def wrong(self) -> list[str]:
        named = {
            "lost": self.lost,
            "doubled": self.doubled,
            "out of order": self.out_of_order,
            "": self.other,
        }
        found = [f"{name} {text}".strip() for name, texts in named.items() for text in texts]
        if self.stuck:
            found.append(f"{self.stuck} deliveries are stuck")
        cuts = self.faults["cut-off"]
        if cuts >= MANY_CUTS and not self.late_writes:
            found.append(
                f"nodes were cut off {cuts} times, and no write came too late: the lease was never tried"
            )
        return found


async def run(root: Path, plan: Plan, say: Callable[[str], None]) -> Outcome:
    began = time.monotonic()
    async with set_up(root, plan) as stage:
        await _torture(stage, say, began)
        outcome = await _compare(stage)
    outcome.seconds = time.monotonic() - began
    return outcome


async def _torture(stage: Stage, say: Callable[[str], None], began: float) -> None:
    plan, load = stage.plan, stage.load
    enough, calm = asyncio.Event(), asyncio.Event()
    fates = faults.lives(stage)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as closing:
        senders = _start_senders(stage, closing)
        others = [
            asyncio.create_task(faults.trouble_the_database(stage, enough)),
            asyncio.create_task(faults.fill_the_disk(stage, enough)),
            asyncio.create_task(_watch(stage, say, began, enough, senders)),
        ]
        operator = asyncio.create_task(_operate(stage, calm))
        await asyncio.gather(
            *(faults.kill_again_and_again(stage, node, fates, enough) for node in stage.nodes), *others
        )
        for receiver in stage.receivers:
            receiver.troubled = False
        for cutter in stage.cutters:
            cutter.troubled = False
        await asyncio.gather(*(_restart(stage, place) for place in range(len(stage.nodes))))
        load.stop.set()
        async with asyncio.timeout(plan.settle_s):
            await asyncio.gather(*senders)
        say("calm: waiting for what is under way")
        await _settle(stage)
        calm.set()
        await operator


def _start_senders(stage: Stage, closing: aiohttp.ClientSession) -> list[asyncio.Task[None]]:
    """Every fourth through a proxy that cuts replies off."""
    stem = int(time.time())
    tasks = []
    for place in range(stage.plan.senders):
        platform, node = SENDERS[place % 2], (place // 2) % len(stage.nodes)
        cutter = stage.cutters[node] if place % 8 in (2, 5) else None
        if cutter is None:
            client = stage.client(platform, stage.nodes[node])
        else:
            client = stage.client_at(platform, f"http://127.0.0.1:{cutter.port}", closing)
        work = send_lines(stage.load, client, place, stage.plan.senders, stem, cutter)
        tasks.append(asyncio.create_task(work))
    for place, platform in enumerate(SENDERS):
        client = stage.client(platform, stage.nodes[place % len(stage.nodes)])
        tasks.append(asyncio.create_task(send_files(stage.load, client)))
    return tasks


async def _restart(stage: Stage, place: int) -> None:
    """A process without faults, on a clock that is right."""
    node = stage.nodes[place]
    if node.is_alive and node.is_sound:
        return
    if node.is_alive:
        node.kill()
        await node.died(10)
    if not await node.start():
        raise RuntimeError(f"{node.name} does not start")


async def _watch(
    stage: Stage,
    say: Callable[[str], None],
    began: float,
    enough: asyncio.Event,
    senders: list[asyncio.Task[None]],
) -> None:
    told_at = began
    while not enough.is_set():
        await asyncio.sleep(0.2)
        now = time.monotonic()
        kills, accepted = stage.kills.total(), len(stage.ledger.acknowledged)
        if now - told_at > 10:
            told_at = now
            say(f"{now - began:4.0f} s: {kills} kills, {accepted} accepted, {stage.ledger.backlog} under way")
        reached = kills >= stage.plan.kills and accepted >= stage.plan.messages
        if reached or now - began > stage.plan.most_s or any(task.done() for task in senders):
            enough.set()


async def _operate(stage: Stage, calm: asyncio.Event) -> None:
    """The person who replays what was quarantined: a delivery under which three processes were killed."""
    while not await wait_for(calm, _LOOK_S):
        found = await _deliveries(stage)
        if any(found.get(state) for state in ("dead", "unknown")):
            words = ("log", "resolve", "--all", "--action", "replay", "--reason", "torture", "--json")
            told = (await stage.nodes[0].command(*words)).strip()
            if told:
                _note(stage, json.loads(told.splitlines()[-1])["deliveries"])


def _note(stage: Stage, deliveries: list[dict[str, str]]) -> None:
    """What was refused may have been done all the same, where the database was restarted in the commit."""
    for one in deliveries:
        stage.replayed += not one["result"].startswith("refused")
        stage.ledger.replays[one["message"], one["receiver"]] += 1


async def _deliveries(stage: Stage) -> dict[str, int]:
    for node in stage.nodes:
        try:
            return await node.deliveries()
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError):
            continue
    return {}


async def _settle(stage: Stage) -> None:
    ends = time.monotonic() + stage.plan.settle_s
    while time.monotonic() < ends:
        found = await _deliveries(stage)
        if found and not found.keys() - _DONE and not stage.ledger.backlog:
            return
        await asyncio.sleep(0.3)


async def _compare(stage: Stage) -> Outcome:
    ledger, plan = stage.ledger, stage.plan
    found = await stage.nodes[0].deliveries()
    client = stage.client(SENDERS[0], stage.nodes[0])
    wrong = [f"receipt of {text}" for text in ledger.receipts_differ] + stage.crashed
    other = stage.client(SENDERS[1], stage.nodes[0])
    wrong += await lost_files(stage.load, (client, other))
    for node in stage.nodes:
        code = await node.stop()
        if code != 0:
            wrong.append(f"{node.name} stopped with {code}")
    named = Counter(stage.faults)
    for receiver in stage.receivers:
        named.update(receiver.faults)
    named["reply-cut"] = sum(cutter.count for cutter in stage.cutters)
    lost = ledger.lost()
    if stage.kills.total() < plan.kills or len(ledger.acknowledged) < plan.messages:
        wrong.append(f"ended short of {plan.kills} kills and {plan.messages} messages")
    return Outcome(
        plan.store, plan.nodes, len(ledger.acknowledged), len(ledger.acknowledged) - len(lost),
        sum(count for state, count in found.items() if state not in _DONE),
        lost, ledger.doubled(), ledger.out_of_order(), wrong,
        stage.kills, named, stage.idle_kills, stage.replayed, len(stage.load.files), stage.network,
        sum(node.late_writes() for node in stage.nodes),
    )  # fmt: skip
