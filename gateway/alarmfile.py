"""`config/alarms.yaml` (the rules that come with the gateway) and `notify` of gateway.yaml (whom they are sent to)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from gateway.alarmrules import GAUGES, Rule, rule_faults
from gateway.secretrefs import SECRET
from gateway.settingparts import Part

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\\\x00-\x1f]+@[A-Za-z0-9.-]+")


def _is_address(value: str) -> bool:
    return value.isascii() and len(value) <= 254 and _ADDRESS.fullmatch(value) is not None


class MailSettings(Part):
    """The server that e-mail goes out by. Without TLS only on this machine."""

    host: str
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    authority: str = ""  # certificate of the server's authority; empty: the system's
    user: str = ""
    password: str = Field("", pattern=SECRET)
    sender: str

    @model_validator(mode="after")
    def _is_safe(self) -> MailSettings:
        if self.security == "none" and self.host not in _LOOPBACK:
            raise ValueError("security none is for a server on this machine only")
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password stand together")
        if not _is_address(self.sender):
            raise ValueError("sender is no e-mail address")
        return self


class TargetSettings(Part):
    """Whom a notification goes to. A webhook has `url` and `secret`, an e-mail `to`."""

    kind: Literal["webhook", "mail"]
    language: Literal["zh", "en"] = "zh"
    url: str = ""
    secret: str = Field("", pattern=SECRET)
    to: list[str] = Field(default_factory=list, max_length=20)

    @field_validator("to")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        for one in value:
            if not _is_address(one):
                raise ValueError("no e-mail address")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> TargetSettings:
        if self.kind == "mail" and (not self.to or self.url or self.secret):
            raise ValueError("a target of kind mail has to, and neither url nor secret")
        if self.kind == "webhook":
            parts = urlsplit(self.url)
            if not self.secret or self.to:
                raise ValueError("a target of kind webhook has url and secret, and no to")
            if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
                raise ValueError("a webhook's url is https; http only to this machine")
            if parts.username or parts.password:
                raise ValueError("a webhook's url holds no user and no password")
        return self


class NotifySettings(Part):
    """Targets by name: rules name them, and nobody can add one from the console."""

    mail: MailSettings | None = None
    targets: dict[str, TargetSettings] = Field(default_factory=dict)
    attempts: int = Field(default=8, ge=1, le=50)
    first_s: float = Field(default=10.0, gt=0)
    most_s: float = Field(default=1800.0, gt=0)
    timeout_s: float = Field(default=10.0, gt=0, le=60)

    @model_validator(mode="after")
    def _has_server(self) -> NotifySettings:
        if self.mail is None and any(one.kind == "mail" for one in self.targets.values()):
            raise ValueError("a target of kind mail needs the section mail")
        for name in self.targets:
            if not re.fullmatch(r"[a-z][a-z0-9-]{0,47}", name):
                raise ValueError("a target's name has lower-case letters, digits and dashes, a letter first")
        return self


class RuleRow(Part):
    """A rule as the file has it."""

    name: str
    title_zh: str
    title_en: str
    metric: str
    labels: dict[str, str] = Field(default_factory=dict)
    comparison: str
    threshold: float
    for_s: int = 0
    severity: str
    targets: list[str] = Field(default_factory=list)
    repeat_s: int = 0
    active: bool = True

    def made(self) -> Rule:
        return Rule(
            self.name, self.title_zh, self.title_en, self.metric, tuple(sorted(self.labels.items())),
            self.comparison, self.threshold, self.for_s, self.severity, tuple(self.targets), self.repeat_s,
            self.active,
        )  # fmt: skip


class AlarmsFile(Part):
    rules: list[RuleRow] = Field(default_factory=list)


def rules_faults(
    rows: Sequence[RuleRow], targets: Collection[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The place of each fault, and what it is."""
    names = [row.name for row in rows]
    for index, row in enumerate(rows):
        if row.name in names[:index]:
            yield ("rules", index, "name"), f"the rule {row.name} stands twice"
        for field in rule_faults(row.made(), targets):
            close = difflib.get_close_matches(row.metric, GAUGES, n=1) if field == "metric" else []
            hint = f"; did you mean {close[0]}?" if close else ""
            yield ("rules", index, field), f"cannot be used in the rule {row.name}{hint}"
