"""The configuration: `config/gateway.yaml`, `platforms/*.yaml`, `routes`, `coverage` and `calendar.yaml`.

Every finding of every file is listed at once with file:line. Scalars of `gateway.yaml` and the
platforms' URLs can be overridden from outside (`GATEWAY_…`); secrets are `file:` or `env:` references.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, Field, field_validator

from gateway import configfile
from gateway.alarmfile import AlarmsFile, NotifySettings, rules_faults
from gateway.alarmrules import Rule
from gateway.connectorsettings import ConnectorSettings
from gateway.errors import ConfigError, Finding
from gateway.operating import BreakerSettings, LimitSettings, MaintenanceWindow
from gateway.payments.authorities import Authorities, Authority
from gateway.payments.calendarfile import CalendarFile
from gateway.payments.coverage import Coverage, Covered
from gateway.payments.workdays import Calendar
from gateway.settingparts import (
    Part,
    ReconcileSettings,
    RetentionSettings,
    RetrySettings,
    TlsSettings,
)

_Model = TypeVar("_Model", bound=BaseModel)


class PollSettings(Part):
    """A platform that is a server which its clients poll: which of its own types, how often."""

    every_s: float = Field(1.0, gt=0)
    types: list[str]
    batch: int = Field(100, ge=1, le=100)


class Contact(Part):
    """A named person 指定专人 of a platform."""

    name: str
    role: str = ""
    phone: str = ""


class Platform(Part):
    """A participant. `types` maps the platform's own number of a type to the standard's, where the
    transport does not say it; `values` is what mappings read as `platform/…`."""

    id: str = Field(pattern=r"[A-Z]{2,4}(-[A-Z0-9]+)*")
    name: str
    name_en: str = ""
    kind: Literal["general", "sub", "treasury"]
    profile: str
    format: str
    suite: Literal["jose", "wss", "gm"]
    key_kind: Literal["rsa", "ec", "ed25519", "sm2"]
    algorithms: dict[str, str] = Field(default_factory=dict)
    certificates: list[str] = Field(default_factory=list)  # more than the current one, for rotation
    connector: ConnectorSettings
    poll: PollSettings | None = None
    sends: list[str]
    receives: list[str]
    types: dict[str, str] = Field(default_factory=dict)
    values: dict[str, str] = Field(default_factory=dict)
    jump_urls: list[str] = Field(default_factory=list)
    contacts: list[Contact] = Field(default_factory=list)
    maintenance: list[MaintenanceWindow] = Field(default_factory=list)
    limits: LimitSettings = LimitSettings()  # of what it sends
    backlog: int = Field(100_000, ge=1)  # deliveries that may wait for it; what is more is refused (503)
    receipt_within_s: dict[str, float] = Field(default_factory=dict)  # by type: when its 8002 must be here

    @field_validator("sends", "receives", mode="before")
    @classmethod
    def _numbers(cls, value: object) -> object:
        return [str(item) for item in value] if isinstance(value, list) else value

    @field_validator("receipt_within_s", mode="before")
    @classmethod
    def _by_number(cls, value: object) -> object:
        return {str(key): item for key, item in value.items()} if isinstance(value, dict) else value

    @field_validator("values", "types", mode="before")
    @classmethod
    def _texts(cls, value: object) -> object:
        return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else value


class AuthorityRow(Part):
    """The industry authority that reviews for a tenderer (DECISIONS.md 15); without `tenderer`, for every
    tenderer of the division."""

    tenderer: str = ""
    adm_div: str
    code: str = Field(pattern=r"[0-9A-Z]{18}")
    name: str
    since: date | None = None
    until: date | None = None

    @field_validator("since", "until", mode="before")
    @classmethod
    def _date(cls, value: object) -> object:
        return date.fromisoformat(value) if isinstance(value, str) else value

    @field_validator("adm_div", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return str(value)


class GatewayFile(Part):
    host: str = "127.0.0.1"
    port: int = Field(8450, ge=0, le=65535)
    tls: TlsSettings | None = None
    data_dir: str = "var"
    store_url: str = ""
    certificates: str = ""  # folder of keys; empty: <data_dir>/certs, made for development
    max_body_bytes: int = Field(8 * 1024 * 1024, ge=1024)
    max_attachment_bytes: int = Field(1024 * 1024 * 1024, ge=1024)
    attachments_url: str = ""  # s3://bucket/prefix; empty: the folder <data_dir>/attachments
    attachments_endpoint: str = ""  # of an S3-compatible store; keys come from AWS_ACCESS_KEY_ID, …
    attachments_region: str = ""
    uploads: int = Field(16, ge=1)  # taken at once by one process; each needs about 16 MiB
    unfinished_uploads_s: float = Field(172_800.0, ge=1)  # how long one that broke off may go on
    read_s: float = Field(60.0, gt=0)  # for a message's body, and for an attachment's next piece
    max_age_s: int = Field(300, ge=1)
    ticket_s: int = Field(60, ge=1, le=60)
    lease_s: float = Field(60.0, gt=0)
    workers: int = Field(32, ge=1)
    drain_s: float = Field(0.0, ge=0, le=300)  # how long /readyz says "stopping" before the port is closed
    stop_s: float = Field(20.0, gt=0)  # how long what is in flight may take to finish
    node: str = Field("", pattern=r"[0-9A-Za-z._-]{0,64}")  # this machine's name; empty: what it calls itself
    retry: RetrySettings = RetrySettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    retention: RetentionSettings = RetentionSettings()
    breaker: BreakerSettings = BreakerSettings()
    # Nodes that share the limits of senders and receivers; inside a worker: all their workers (seat.py).
    processes: int = Field(1, ge=1)
    max_held_bytes: int = Field(256 * 1024 * 1024, ge=1024)  # bodies of messages that are received at once
    min_free_bytes: int = Field(256 * 1024 * 1024, ge=0)  # of the disk; below it nothing new is taken
    authorities: list[AuthorityRow] = Field(default_factory=list)
    seal_roots: list[str] = Field(default_factory=list)  # certificates whose seals on invoices are trusted
    metrics_beyond_loopback: bool = False
    console_port: int = Field(8451, ge=0, le=65535)  # of `gateway console`, a process of its own
    console_second_factor: bool = True  # whoever has none must enrol one at the first sign-in
    console_idle_s: int = Field(1800, ge=60)
    console_absolute_s: int = Field(8 * 3600, ge=60)
    # An act that makes more deliveries than these within an hour waits for a second person; 0: every act does.
    console_approve_above: int = Field(20, ge=0)
    notify: NotifySettings = NotifySettings()  # whom alarms are sent to


class RouteRow(Part):
    """(type, sender, condition) → receivers. `to` holds platform ids or roles: contract-owner, treasury,
    treasuries, pushed-treasury, general, subs."""

    type: str
    sender: str = ""
    to: list[str]
    when: dict[str, str] = Field(default_factory=dict)

    @field_validator("type", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return str(value)


class RoutesFile(Part):
    routes: list[RouteRow]


class CoveredRow(Part):
    project_kind: str
    adm_div: str
    treasury: str
    since: date
    until: date | None = None

    @field_validator("since", "until", mode="before")
    @classmethod
    def _date(cls, value: object) -> object:
        return date.fromisoformat(value) if isinstance(value, str) else value

    @field_validator("project_kind", "adm_div", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return str(value)


class CoverageFile(Part):
    coverage: list[CoveredRow]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the configuration says. `root` is the folder that holds config/, schemas/, mappings/."""

    root: Path
    gateway: GatewayFile
    platforms: Mapping[str, Platform]
    routes: tuple[RouteRow, ...]
    coverage: Coverage
    authorities: Authorities
    calendar: Calendar
    alarm_rules: tuple[Rule, ...] = ()

    @property
    def data_dir(self) -> Path:
        return self.at(self.gateway.data_dir)

    @property
    def certs_dir(self) -> Path:
        return self.at(self.gateway.certificates) if self.gateway.certificates else self.data_dir / "certs"

    @property
    def store_url(self) -> str:
        return self.gateway.store_url or f"sqlite:///{self.data_dir / 'gateway.db'}"

    def at(self, text: str) -> Path:
        path = Path(text)
        return path if path.is_absolute() else self.root / path


def load_settings(
    root: Path, *, environ: Mapping[str, str] | None = None, urls: Mapping[str, str] | None = None
) -> Settings:
    """Reads every file of `root`/config; ConfigError with all findings of all files.

    `environ` overrides any scalar of gateway.yaml (GATEWAY_PORT, GATEWAY_DATA_DIR, GATEWAY_STORE_URL, …)
    and connectors' URLs (GATEWAY_URL_GGZY_ZPT); `urls` does the latter by platform id.
    """
    environ = os.environ if environ is None else environ
    folder = root / "config"
    reader = _Reader()
    gateway = reader.read(GatewayFile, folder / "gateway.yaml", _overrides(environ))
    routes = reader.read(RoutesFile, folder / "routes.yaml")
    covered = reader.read(CoverageFile, folder / "coverage.yaml")
    calendar = reader.read(CalendarFile, folder / "calendar.yaml")
    # Without the file there are the rules of the console alone.
    alarms = (
        reader.read(AlarmsFile, folder / "alarms.yaml") if (folder / "alarms.yaml").exists() else AlarmsFile()
    )
    platforms: dict[str, Platform] = {}
    broken: set[str] = set()  # their files have findings of their own; a name is no second one
    for path in sorted((folder / "platforms").glob("*.yaml")):
        platform = reader.read(Platform, path)
        if platform is None:
            broken.add(reader.raw_id(path))
            continue
        if platform.id in platforms:
            reader.find(path, ("id",), f"platform {platform.id} is defined twice", "config.duplicate")
        url = (urls or {}).get(platform.id) or environ.get("GATEWAY_URL_" + platform.id.replace("-", "_"))
        if url:
            connector = platform.connector.model_copy(update={"url": url})
            platform = platform.model_copy(update={"connector": connector})
        platforms[platform.id] = platform
        for name, text in platform.connector.login.files():
            if not (root / text).is_file():  # an absolute path stays what it is
                reader.find(
                    path, ("connector", "login", name), f"there is no file {text}", "config.missing-file"
                )
    _check_references(reader, folder, platforms, broken, routes, covered)
    _check_authorities(reader, folder, gateway, covered)
    for place, text in rules_faults(alarms.rules, gateway.notify.targets) if alarms and gateway else ():
        reader.find(folder / "alarms.yaml", place, text, "config.alarm-rule")
    if reader.findings or gateway is None or routes is None or covered is None or calendar is None:
        raise ConfigError(reader.findings)
    rows = tuple(Covered(**row.model_dump()) for row in covered.coverage)
    authorities = Authorities(tuple(Authority(**row.model_dump()) for row in gateway.authorities))
    return Settings(
        root,
        gateway,
        platforms,
        tuple(routes.routes),
        Coverage(rows),
        authorities,
        calendar.made(),
        tuple(row.made() for row in alarms.rules) if alarms else (),
    )


ROLES = frozenset({"contract-owner", "treasury", "treasuries", "pushed-treasury", "general", "subs"})


class _Reader:
    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._documents: dict[Path, configfile.Document] = {}

    def read(
        self, model: type[_Model], path: Path, patch: Mapping[str, object] | None = None
    ) -> _Model | None:
        try:
            document = configfile.load_document(path)
            if patch and isinstance(document.data, dict):
                document.data.update(patch)
            self._documents[path] = document
            return configfile.validate(model, document)
        except ConfigError as error:
            self.findings.extend(error.findings)
            return None

    def raw_id(self, path: Path) -> str:
        """What a file that could not be read as a platform still says of its id."""
        document = self._documents.get(path)
        return str(document.data.get("id", "")) if document and isinstance(document.data, dict) else ""

    def find(self, path: Path, place: tuple[str | int, ...], text: str, code: str) -> None:
        document = self._documents[path]
        line, column = document.marks.get(place, (0, 0))
        field = ".".join(str(part) for part in place)
        self.findings.append(Finding(document.file, line, column, field, text, code))


def _overrides(environ: Mapping[str, str]) -> dict[str, object]:
    nested = {"tls", "retry", "reconcile", "retention", "breaker", "authorities", "seal_roots", "notify"}
    known = {f"GATEWAY_{name.upper()}": name for name in GatewayFile.model_fields if name not in nested}
    return {known[name]: value for name, value in environ.items() if name in known}


def _check_references(
    reader: _Reader,
    folder: Path,
    platforms: Mapping[str, Platform],
    broken: set[str],
    routes: RoutesFile | None,
    covered: CoverageFile | None,
) -> None:
    """Names in routes and coverage must be platforms; routes must not send what nobody receives."""
    nodes = set(platforms) | broken
    for index, route in enumerate(routes.routes if routes else ()):
        place = ("routes", index)
        if route.sender and route.sender not in nodes:
            text = f"unknown platform {route.sender!r}{_did_you_mean(route.sender, nodes)}"
            reader.find(folder / "routes.yaml", (*place, "sender"), text, "config.unknown-platform")
        for receiver in route.to:
            if receiver not in ROLES | nodes:
                text = f"unknown receiver {receiver!r}{_did_you_mean(receiver, ROLES | nodes)}"
                reader.find(folder / "routes.yaml", (*place, "to"), text, "config.unknown-receiver")
            elif receiver in platforms and route.type not in platforms[receiver].receives:
                text = f"{receiver} does not receive {route.type}"
                reader.find(folder / "routes.yaml", (*place, "to"), text, "config.not-received")
    treasuries = {node for node, one in platforms.items() if one.kind == "treasury"} | broken
    for index, row in enumerate(covered.coverage if covered else ()):
        if row.treasury not in treasuries:
            text = f"unknown treasury {row.treasury!r}{_did_you_mean(row.treasury, treasuries)}"
            place_of = ("coverage", index, "treasury")
            reader.find(folder / "coverage.yaml", place_of, text, "config.unknown-platform")


def _check_authorities(
    reader: _Reader, folder: Path, gateway: GatewayFile | None, covered: CoverageFile | None
) -> None:
    """A division that is covered needs an authority: without one every push of it would be refused."""
    if gateway is None or covered is None:
        return
    known = {row.adm_div for row in gateway.authorities}
    for index, row in enumerate(covered.coverage):
        if row.adm_div not in known:
            text = f"division {row.adm_div} has no authority in gateway.yaml"
            place = ("coverage", index, "adm_div")
            reader.find(folder / "coverage.yaml", place, text, "config.no-authority")


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
