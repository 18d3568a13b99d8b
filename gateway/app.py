"""Wiring only: settings → store, routes, servers, workers. Read `Gateway.start` from top to bottom."""

from __future__ import annotations

import asyncio
import functools
import os
import secrets
import signal
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiohttp
import structlog
from aiohttp import web

from gateway import endpoints, server
from gateway.alarmwatch import AlarmWatch
from gateway.answers import Answers
from gateway.arrivals import ArrivalMaker
from gateway.codetables import CodeTableKeeper
from gateway.connectors import Connector, ConnectorWorld, connectors, open_session
from gateway.delivery import DeliveryWorker
from gateway.endpoints.metrics import read_gauges
from gateway.errors import ConfigError, Finding
from gateway.evidence import make_receipt
from gateway.formats import formats
from gateway.inbox import Inbox
from gateway.intake import Intake
from gateway.keyring import Keyring, load_keyring, make_evidence, node_name
from gateway.logins import load_logins
from gateway.mapping import MappingSet, load_mappings
from gateway.notices import make_notice
from gateway.notifying import Notifier, open_targets
from gateway.outcomes import Outcomes
from gateway.parts import Part, keep_running
from gateway.pollers import make_pollers
from gateway.pressure import Pressure
from gateway.receiptwatch import ReceiptWatch
from gateway.reconciling import REQUEST, Reconciler
from gateway.reloading import missing_mappings, reload
from gateway.replies import Replies
from gateway.routing import Routes
from gateway.seat import Seat
from gateway.security.suite import suites
from gateway.settings import Platform, Settings
from gateway.standard import Standard
from gateway.standing import left_behind
from gateway.store import Store, open_store
from gateway.store.attachments import read_plain
from gateway.store.blobs import Blobs
from gateway.store.uploads import UploadPurge, Uploads
from gateway.tracing import NoTraces, OpenTelemetryTraces, open_traces
from gateway.translate import Translator
from gateway.wordkeeper import WordKeeper

log = structlog.get_logger("app")


def load_translator(settings: Settings) -> Translator:
    """The standard and every mapping; ConfigError with all findings, also of types without a mapping."""
    standard = Standard.load(settings.root / "schemas")
    findings: list[Finding] = []
    mappings = MappingSet({})
    try:
        mappings = load_mappings(settings.root / "mappings", standard)
    except ConfigError as error:
        findings.extend(error.findings)
    else:
        findings.extend(missing_mappings(settings, mappings.names()))
    if findings:
        raise ConfigError(findings)
    return Translator(standard, mappings, settings.platforms)


ALONE = Seat()


@dataclass(slots=True)
class Gateway:
    """A running gateway: one process, its server, its workers."""

    settings: Settings
    store: Store
    intake: Intake
    runner: web.AppRunner
    port: int
    keeper: CodeTableKeeper
    parts: Mapping[str, Part]
    session: aiohttp.ClientSession
    connectors: dict[str, Connector]
    translator: Translator
    has_siblings: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        scheme = "https" if self.settings.gateway.tls else "http"
        return f"{scheme}://{self.settings.gateway.host}:{self.port}"

    async def reload_mappings(self) -> tuple[Finding, ...]:
        """Reads all mappings again; where one has errors, or a configured type is left without, the old
        set stays and the log says so. Answers with the findings."""
        return await reload(self.settings, self.translator, self.keeper.renewing)

    async def stop(self) -> None:
        """Says so at /readyz for `drain_s` (beside siblings: where their parent said so), stops accepting, finishes what is
        in flight within `stop_s`, closes the store."""
        if not self.has_siblings:
            await server.take_leave(self.runner, self.settings.gateway.drain_s)
        for site in list(self.runner.sites):
            await site.stop()
        if self.has_siblings:
            await server.drain(self.runner)
        self.stopping.set()
        for part in self.parts.values():
            part.stop()
        answering = asyncio.create_task(self.runner.cleanup())  # beside the parts: each has `stop_s`, at once
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await answering
        for connector in self.connectors.values():
            await connector.close()
        await self.session.close()
        await self.store.close()


async def start(
    settings: Settings, *, poll: bool = True, seat: Seat = ALONE, with_console: bool = True
) -> Gateway:
    """Opens the store, loads keys, standard and mappings, starts server, worker and pollers.

    ConfigError with all findings where anything of it cannot be used; nothing is left running then.
    """
    settings = seat.share(settings)
    translator = load_translator(settings)
    keyring = load_keyring(settings)
    keyring.logins = load_logins(settings)
    tls = server.tls_context(settings)
    async with AsyncExitStack() as opened:
        gateway = await _start(
            settings, translator, keyring, tls, opened, seat, poll=poll, with_console=with_console
        )
        opened.pop_all()  # from here on it is closed by Gateway.stop
    log.info(
        "started", url=gateway.url, platforms=len(settings.platforms), store=settings.store_url.split(":")[0]
    )
    return gateway


async def _start(
    settings: Settings,
    translator: Translator,
    keyring: Keyring,
    tls: ssl.SSLContext | None,
    opened: AsyncExitStack,
    seat: Seat,
    *,
    poll: bool,
    with_console: bool,
) -> Gateway:
    evidence = make_evidence(settings, keyring, str(seat.number))
    targets = open_targets(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = open_store(settings.store_url, settings.data_dir, evidence=evidence, neighbours=seat.neighbours)
    await store.open()
    opened.push_async_callback(store.close)
    if seat.number == 1:
        for node, waiting in left_behind(settings, (await store.counts()).by_receiver).items():
            log.warning(
                "deliveries wait for a receiver that is not configured", receiver=node, waiting=waiting
            )
    blobs = open_blobs(settings)
    uploads = Uploads(blobs)
    routes = Routes.of(settings.routes, settings.platforms, settings.coverage)
    pressure = Pressure(settings, store, routes)
    await pressure.look()
    arrivals = ArrivalMaker(settings, store, translator, routes, pressure)
    identities = {platform.id: keyring.of(platform) for platform in settings.platforms.values()}
    replies = Replies(
        translator, identities, keyring.peers, make_receipt, endpoints.render_problem, endpoints.render_fault
    )
    traces = _open_traces()
    opened.push_async_callback(asyncio.to_thread, traces.close)
    answers = Answers(store, translator.standard)
    keeper = CodeTableKeeper(store, translator, functools.partial(load_mappings, settings.root / "mappings"))
    await keeper.take_up()
    reconciler = Reconciler(store, arrivals, looks=seat.number == 1)
    intake = Intake(
        settings, store, translator, arrivals, replies, tuple(keyring.identities.values()), keyring.trust,
        {"1002": answers.redeem, "6001": answers.progress}, {"9003": keeper.take_up, REQUEST: reconciler.wake},
        pressure, traces=traces,
    )  # fmt: skip
    session = open_session()
    opened.push_async_callback(session.close)
    callers = {one.id for one in settings.platforms.values() if one.connector.kind == "inbox"}
    reached = {
        platform.id: _connector(platform, keyring, session, blobs, store)
        for platform in settings.platforms.values()
        if platform.id not in callers
    }
    notice = functools.partial(make_notice, arrivals)
    inbox = Inbox(
        settings, store, Outcomes(settings, translator.standard.catalogue, notice),
        {node: _world(settings.platforms[node], keyring, session, blobs, store) for node in callers},
    )  # fmt: skip
    name = f"{os.uname().nodename}-{os.getpid()}-{secrets.token_hex(3)}"
    worker = DeliveryWorker(
        settings, store, translator, reached, translator.standard.catalogue, notice, name=name,
        measures=intake.measures, traces=traces,
    )  # fmt: skip
    world = endpoints.EndpointWorld(
        settings=settings, store=store, intake=intake, trust=keyring.trust, identities=keyring.identities,
        peers=keyring.peers, blobs=blobs, uploads=uploads, standard=translator.standard, answers=answers,
        pressure=pressure, inbox=inbox, seat=seat,
    )  # fmt: skip
    runner, port = await server.listen(
        settings, world, translator, store, tls, seat.listener,
        functools.partial(reload_all, settings, translator, keeper.renewing, seat), with_console=with_console,
    )  # fmt: skip
    parts = _parts(
        settings, keyring, session, blobs, uploads, intake, worker, keeper, reconciler, pressure, poll=poll
    ) | {
        "alarms": AlarmWatch(
            store, settings.alarm_rules, functools.partial(read_gauges, world), holder=name,
            node=node_name(settings),
        ),
        "notifications": Notifier(store, settings.gateway.notify, targets, session),
        **({"words": WordKeeper(store)} if seat.number == 1 else {}),
    }  # fmt: skip
    gateway = Gateway(
        settings,
        store,
        intake,
        runner,
        port,
        keeper,
        parts,
        session,
        reached,
        translator,
        seat.listener is not None,
    )
    gateway.tasks.extend(
        asyncio.create_task(keep_running(name, part, gateway.stopping)) for name, part in parts.items()
    )
    return gateway


def _parts(
    settings: Settings,
    keyring: Keyring,
    session: aiohttp.ClientSession,
    blobs: Blobs,
    uploads: Uploads,
    intake: Intake,
    worker: DeliveryWorker,
    keeper: CodeTableKeeper,
    reconciler: Reconciler,
    pressure: Pressure,
    *,
    poll: bool,
) -> dict[str, Part]:
    """What runs beside the server, by the name that the log gives it."""
    store = intake.store
    parts: dict[str, Part] = {
        "delivery": worker, "code tables": keeper, "pressure": pressure, "receipts": ReceiptWatch(store),
        "reconciliation": reconciler,
        "unfinished uploads": UploadPurge(uploads, settings.gateway.unfinished_uploads_s),
    }  # fmt: skip
    if poll:

        def world_of(platform: Platform) -> ConnectorWorld:
            return _world(platform, keyring, session, blobs, store)

        parts |= make_pollers(intake, world_of, node_name(settings))
    return parts


async def reload_all(
    settings: Settings, translator: Translator, renewing: asyncio.Lock, seat: Seat
) -> Sequence[Finding]:
    """What somebody asks of one worker is for all of them: the parent hands SIGHUP on."""
    findings = await reload(settings, translator, renewing)
    if seat.of > 1 and not any(one.severity == "error" for one in findings):
        os.kill(os.getppid(), signal.SIGHUP)
    return findings


def _open_traces() -> NoTraces | OpenTelemetryTraces:
    try:
        return open_traces()
    except (ValueError, ImportError) as error:
        text = f"{error}; pip install ggzy-gateway[traces]" if isinstance(error, ImportError) else str(error)
        finding = Finding("environment", 0, 0, "OTEL_TRACES_EXPORTER", text, "config.traces")
        raise ConfigError([finding]) from error


def open_blobs(settings: Settings) -> Blobs:
    """Where attachments lie; ConfigError for an address that is none."""
    own = settings.gateway
    if not own.attachments_url:
        return Blobs.at_folder(settings.data_dir / "attachments")
    try:
        return Blobs.at_url(
            own.attachments_url, endpoint=own.attachments_endpoint, region=own.attachments_region
        )
    except ValueError as error:
        finding = Finding("config/gateway.yaml", 0, 0, "attachments_url", str(error), "config.attachments")
        raise ConfigError([finding]) from error


def _world(
    platform: Platform, keyring: Keyring, session: aiohttp.ClientSession, blobs: Blobs, store: Store
) -> ConnectorWorld:
    def read_file(digest: str) -> AsyncIterator[bytes]:
        return read_plain(blobs, store.attachment, digest)

    media = formats.get(platform.format).content_type
    return ConnectorWorld(
        platform=platform, suite=suites.get(platform.suite), identity=keyring.of(platform),
        peer=keyring.peers[platform.id], trust=keyring.trust, session=session, read_file=read_file,
        content_type=media, login=keyring.logins[platform.id],
    )  # fmt: skip


def _connector(
    platform: Platform, keyring: Keyring, session: aiohttp.ClientSession, blobs: Blobs, store: Store
) -> Connector:
    return connectors.get(platform.connector.kind)(_world(platform, keyring, session, blobs, store))
