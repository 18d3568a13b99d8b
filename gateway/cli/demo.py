"""`gateway demo`: the seven steps between real platforms, as a table that grows while it happens."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import click

from gateway.cli.demousers import Made, make_demo_users
from gateway.cli.place import (
    end_with_findings,
    ensure_certificates,
    print_json,
    run_async,
    set_up_log,
    settings_or_exit,
)
from gateway.clock import now
from gateway.errors import ConfigError
from gateway.message import DeliveryState
from gateway.sandbox import NODES, Sandbox, start_platforms
from gateway.sandbox.leftovers import leave_some_work
from gateway.sandbox.stage import Step, StoryResult
from gateway.sandbox.story import run_story
from gateway.settings import Settings
from gateway.standard import Standard
from gateway.store import open_store
from gateway.store.contract import Counts

_COLUMNS = "{at:8}  {step:>4}  {number:4} {title:<24}  {sender:>14} → {receiver:<14}  {suite:<5}  {state:<10}  {ms:>6}  {case}"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run came to; computed from the platforms' ledgers and the gateway's store."""

    story: StoryResult
    counts: Counts
    effects_duplicated: int
    effects_lost: int
    resends: int
    wall_s: float
    stuck_before: int = 0  # what an earlier run over the same data left

    def as_json(self) -> dict[str, object]:
        pending = sum(
            self.counts.deliveries.get(state, 0)
            for state in (DeliveryState.WAITING, DeliveryState.READY, DeliveryState.LEASED)
        )
        dead = stuck_in(self.counts) - self.stuck_before
        return {
            "steps_completed": self.story.steps_completed,
            "cases": self.story.cases,
            "messages_accepted": self.counts.messages,
            "deliveries_done": self.counts.deliveries.get(DeliveryState.DONE, 0),
            "deliveries_pending": pending,
            "dead_letters": dead,
            "effects_duplicated": self.effects_duplicated,
            "effects_lost": self.effects_lost,
            "refused_as_expected": self.story.refused_as_expected,
            "resends": self.resends,
            "failures": len(self.story.failures),
            "wall_s": round(self.wall_s, 1),
        }

    @property
    def is_right(self) -> bool:
        said = self.as_json()
        wrong = ("deliveries_pending", "dead_letters", "effects_duplicated", "effects_lost", "failures")
        return said["steps_completed"] == 7 and not any(said[name] for name in wrong)


def stuck_in(counts: Counts) -> int:
    return sum(counts.deliveries.get(state, 0) for state in (DeliveryState.DEAD, DeliveryState.UNKNOWN))


@click.command()
@click.option("--once", is_flag=True, help="Own ports and a folder of its own; end when all cases are done.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def demo(once: bool, as_json: bool) -> None:
    """Start the gateway and five platforms and carry payment cases through all seven steps.

    Without --once it stays up afterwards, on the configured ports and the configured data folder.
    """
    set_up_log("warning")
    try:
        if once:
            with tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder:
                os.environ["GATEWAY_DATA_DIR"] = folder
                os.environ["GATEWAY_PORT"] = "0"
                right = run_async(_run(settings_or_exit(), once=True, as_json=as_json))
        else:
            right = run_async(_run(settings_or_exit(), once=False, as_json=as_json))
    except ConfigError as error:
        end_with_findings(error)
    sys.exit(0 if right else 1)


async def _run(settings: Settings, *, once: bool, as_json: bool) -> bool:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    ensure_certificates(settings)
    ports = {node: 0 if once else _port(settings.platforms[node].connector.url) for node in NODES}
    try:
        sandbox = await start_platforms(
            ports, settings.certs_dir, settings.data_dir / "sandbox", schemas=settings.root / "schemas"
        )
    except OSError as error:
        raise click.ClickException(f"the platforms cannot start, does another demo run? {error}") from error
    try:
        users = [] if once else await make_demo_users(settings)
        async with _gateway(settings, sandbox) as url:
            sandbox.set_gateway(url)
            _say(f"gateway {url}   data {settings.data_dir}")
            telling = asyncio.create_task(_tell(settings, sandbox))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({telling, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not telling.done():
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
                return not once  # nothing came out yet, right or wrong
            figures = telling.result()
            _report(figures, as_json=as_json)
            if not once:
                left = await leave_some_work(sandbox)
                _invite(url, sandbox, users, left)
                await stopping
            stopping.cancel()
            return figures.is_right
    finally:
        await sandbox.stop()


@asynccontextmanager
async def _gateway(settings: Settings, sandbox: Sandbox) -> AsyncIterator[str]:
    """The gateway, in a process of its own; yields its URL."""
    environ = {
        **os.environ,
        "GATEWAY_ROOT": str(settings.root),
        "GATEWAY_DATA_DIR": str(settings.data_dir),
        "GATEWAY_CONSOLE_SECOND_FACTOR": "false",  # offered, not asked for: this is a place to look around
        **{"GATEWAY_URL_" + node.replace("-", "_"): url for node, url in sandbox.urls().items()},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", "--announce", "--while-stdin", "--log-level", "error",
        "--no-set-up-link",
        env=environ, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode().split()
        if not line:
            raise click.ClickException("the gateway did not start; see above")
        yield line[-1]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _tell(settings: Settings, sandbox: Sandbox) -> Figures:
    started = time.monotonic()
    catalogue = Standard.load(settings.root / "schemas").catalogue
    heading = ("time", "step", "type", "message", "sender", "receiver", "suite", "state", "ms", "case")
    names = ("at", "step", "number", "title", "sender", "receiver", "suite", "state", "ms", "case")
    _say(_COLUMNS.format(**dict(zip(names, heading, strict=True))))

    def on_step(step: Step) -> None:
        _say(
            _COLUMNS.format(
                at=f"{now():%H:%M:%S}",
                step=step.step,
                number=step.type,
                title=catalogue.get(step.type).name[:24],
                sender=step.sender,
                receiver=step.receiver,
                suite=step.suite,
                state=step.state,
                ms=step.ms,
                case=step.case,
            )
        )

    before = await _counts(settings)
    story = await run_story(sandbox, on_step)
    effects = sandbox.effects()
    counts = await _counts(settings)
    wall_s = time.monotonic() - started
    return Figures(story, counts, effects.duplicated, effects.lost, effects.resends, wall_s, stuck_in(before))


async def _counts(settings: Settings) -> Counts:
    store = open_store(settings.store_url, settings.data_dir)
    await store.open()
    try:
        return await store.counts()
    finally:
        await store.close()


def _report(figures: Figures, *, as_json: bool) -> None:
    for failure in figures.story.failures:
        _say(f"FAILED: {failure}")
    said = figures.as_json()
    _say("  ".join(f"{name} {value}" for name, value in said.items()))
    _say("all came out right" if figures.is_right else "NOT all came out right")
    if as_json:
        print_json(said)


def _invite(url: str, sandbox: Sandbox, users: Sequence[Made], left: int) -> None:
    _say("")
    _say(f"console       {url}/console/")
    if users:
        _say("  demo users, for looking around (start as demo-operator); random passwords, shown this once:")
    else:
        _say("  its users are there already; a new password: .venv/bin/gateway user reset NAME --reason …")
    for name, title, password in users:
        _say(f"  {name:16} {password}   {title}")
    _say(f"  left for you: {left} deliveries that a platform refused, at 滞留投递 (Dead letters)")
    _say(f"API           {url}/docs")
    _say("command line  .venv/bin/gateway log search …   .venv/bin/gateway log tail")
    for node, place in sandbox.urls().items():
        _say(f"  {node:16} {place}")
    _say("Ctrl-C ends it; started again, it goes on with the same data.")


def _say(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()


def _port(url: str) -> int:
    return int(url.split("://", 1)[1].split("/", 1)[0].rsplit(":", 1)[1])
