"""Alarms of a gateway that runs and is killed, and `gateway alarms …` at the terminal."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
import pytest_asyncio
from aiohttp import web

from gateway.alarmrules import Sample
from gateway.bench import endtoend
from gateway.notifying import Notifier, open_targets
from gateway.settings import load_settings
from gateway.store import Store, open_store
from gateway.store.contract import AlarmFilter

from .harness import ROOT, GatewayProcess
from .test_dead_letter_commands import Terminal, terminal

__all__ = ["terminal"]
SECRET = "hook-secret"
RULES = """
rules:
  - {name: always, title_zh: 总是, title_en: Always, metric: gateway_messages, comparison: ">=", threshold: 0, severity: info, targets: [hook]}
  - {name: never, title_zh: 从不, title_en: Never, metric: gateway_messages, comparison: "<", threshold: 0, severity: info, targets: [hook]}
  - {name: disk, title_zh: 磁盘, title_en: Disk, metric: gateway_disk_free_bytes, comparison: ">", threshold: 0, severity: critical, targets: [hook]}
"""


class Hook:
    """A webhook's receiver; until it is open it answers 503."""

    def __init__(self) -> None:
        self.is_open = False
        self.refused = asyncio.Event()  # two different ones were
        self.turned_away: set[str] = set()
        self.bodies: list[dict[str, object]] = []

    async def take(self, request: web.Request) -> web.Response:
        if not self.is_open:
            self.turned_away.add(request.headers["Gateway-Notification"])
            if len(self.turned_away) == 2:
                self.refused.set()
            return web.Response(status=503)
        data = await request.read()
        signed = f"{request.headers['Gateway-Timestamp']}.".encode() + data
        made = "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(made, request.headers["Gateway-Signature"])
        self.bodies.append(orjson.loads(data))
        return web.Response(status=204)


@pytest_asyncio.fixture
async def hook() -> AsyncIterator[tuple[Hook, str]]:
    found = Hook()
    app = web.Application()
    app.router.add_post("/hook", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield found, f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    await runner.cleanup()


def notifying(url: str) -> str:
    return f"\nnotify: {{first_s: 0.1, most_s: 1, targets: {{hook: {{kind: webhook, url: '{url}', secret: 'env:HOOK'}}}}}}\n"


async def test_what_fires_is_told_once_by_another_where_the_gateway_was_killed(
    tmp_path: Path, hook: tuple[Hook, str]
) -> None:
    receiver, url = hook
    endtoend.prepare(ROOT, tmp_path)
    (tmp_path / "config" / "alarms.yaml").write_text(RULES, encoding="utf-8")
    path = tmp_path / "config" / "gateway.yaml"
    path.write_text(path.read_text(encoding="utf-8") + notifying(url), encoding="utf-8")
    gateway = GatewayProcess(tmp_path)
    gateway.environ["HOOK"] = SECRET
    gateway.environ["GATEWAY_NODE"] = "node-a"
    await gateway.start()
    try:
        async with asyncio.timeout(60):
            await receiver.refused.wait()  # both fired, and nobody took them
    finally:
        await gateway.kill()
    receiver.is_open = True
    data = tmp_path / "var"
    store = open_store(f"sqlite:///{data / 'gateway.db'}", data, evidence=None)
    await store.open()
    opened = await store.alarms(AlarmFilter(is_open=True))
    assert {(row.rule, row.scope, row.state) for row in opened} == {
        ("always", "", "firing"), ("disk", "node-a", "firing"),
    }  # fmt: skip
    await let_be_due(store)
    settings = load_settings(tmp_path, environ={})
    async with aiohttp.ClientSession() as session:
        targets = open_targets(settings, {"HOOK": SECRET})
        await Notifier(store, settings.gateway.notify, targets, session).look()
    assert {(one["kind"], one["rule"]) for one in receiver.bodies} == {("fired", "always"), ("fired", "disk")}
    (disk,) = (one for one in receiver.bodies if one["rule"] == "disk")
    assert disk["labels"] == {"node": "node-a"} and disk["severity"] == "critical"
    await store.close()


async def let_be_due(store: Store) -> None:
    """What the killed gateway had in hand is due at once, and not after its lease; the test need not wait for it."""
    for row in await store.notifications():
        await store.end_notification(row, "the gateway was killed", retry_in_s=0)


async def test_alarms_are_listed_acknowledged_and_tested_at_the_terminal(terminal: Terminal) -> None:
    rule = next(
        one for one in load_settings(ROOT, environ={}).alarm_rules if one.name == "reconciliation-differs"
    )
    store = terminal.store()
    await store.open()
    assert await store.take_alarm_lease("", "w", 60)
    labels = (("state", "different"), ("treasury", "CZ-ZFPT-310000"))
    await store.judge_alarms("", "w", [rule], [Sample(rule.metric, labels, 2.0)])
    await store.close()
    told = await terminal.run("alarms", "list", status=1)
    (one,) = told["alarms"]
    assert (one["rule"], one["state"], one["value"], one["labels"]["state"]) == (
        "reconciliation-differs", "firing", 2.0, "different",
    )  # fmt: skip
    done = await terminal.run(
        "alarms", "acknowledge", one["id"], "--reason", "asked the bank", "--actor", "li"
    )
    assert (done["state"], done["acknowledged_by"], done["reason"]) == (
        "acknowledged",
        "li",
        "asked the bank",
    )
    await terminal.run("alarms", "acknowledge", one["id"], "--reason", "again", status=1)
    await terminal.run("alarms", "acknowledge", "none", "--reason", "x", status=1)
    assert (await terminal.run("alarms", "list"))["firing"] == 0
    assert (await terminal.run("alarms", "list", "--severity", "critical"))["alarms"] == []
    said = await terminal.run("alarms", "test", "nobody", "--reason", "x", status=1)
    assert "no target nobody" in str(said)


async def test_a_test_says_whether_it_arrived(
    terminal: Terminal, tmp_path: Path, hook: tuple[Hook, str]
) -> None:
    receiver, url = hook
    root = tmp_path / "root"
    endtoend.prepare(ROOT, root)
    path = root / "config" / "gateway.yaml"
    path.write_text(path.read_text(encoding="utf-8") + notifying(url), encoding="utf-8")
    terminal.environ |= {"GATEWAY_ROOT": str(root), "HOOK": SECRET}
    refused = await terminal.run("alarms", "test", "hook", "--reason", "new hook", status=1)
    assert (refused["sent"], refused["fault"]) == (0, "HTTP 503")
    receiver.is_open = True
    sent = await terminal.run("alarms", "test", "hook", "--reason", "new hook", "--actor", "chen")
    assert (sent["sent"], sent["attempts"]) == (1, 1)
    body = next(one for one in receiver.bodies if one["id"] == sent["id"])
    assert (body["kind"], body["by"], body["target"]) == ("test", "chen", "hook")
