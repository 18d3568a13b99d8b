"""Whom notifications go to: the configuration's targets with their secrets read. No target comes from elsewhere."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from gateway.alarmfile import MailSettings, TargetSettings
from gateway.errors import ConfigError, Finding
from gateway.notifying.mail import send_mail
from gateway.notifying.webhook import post
from gateway.secretrefs import read_secret
from gateway.settings import Settings
from gateway.store.contract import NotificationRow


@dataclass(frozen=True, slots=True)
class Target:
    """`secret`: of a webhook. `mail`, `password`: of an e-mail."""

    name: str
    settings: TargetSettings
    timeout_s: float
    secret: bytes = b""
    mail: MailSettings | None = None
    password: str = ""


def open_targets(settings: Settings, environ: Mapping[str, str] | None = None) -> dict[str, Target]:
    """By name. ConfigError for every secret that cannot be read."""
    environ = os.environ if environ is None else environ
    notify, findings = settings.gateway.notify, list[Finding]()

    def read(place: str, reference: str) -> str:
        try:
            return read_secret(reference, settings.at, environ)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            text = f"{reference.partition(':')[0]}: cannot be read: {error}"
            findings.append(Finding("config/gateway.yaml", 0, 0, place, text, "config.secret"))
            return ""

    mail = notify.mail
    password = read("notify.mail.password", mail.password) if mail and mail.password else ""
    found = {}
    for name, one in notify.targets.items():
        if one.kind == "mail":
            found[name] = Target(name, one, notify.timeout_s, mail=mail, password=password)
        else:
            secret = read(f"notify.targets.{name}.secret", one.secret)
            found[name] = Target(name, one, notify.timeout_s, secret.encode())
    if findings:
        raise ConfigError(findings)
    return found


async def send_to(target: Target, session: aiohttp.ClientSession, row: NotificationRow) -> str:
    """ "" where it arrived; else why not, without a secret and without what the other side said at length."""
    if target.settings.kind == "webhook":
        return await post(session, target.settings.url, target.secret, row.body, target.timeout_s)
    if target.mail is None:
        raise LookupError(f"target {target.name} has no mail server")
    return await asyncio.to_thread(
        send_mail, target.mail, target.password, target.settings, row.body, target.timeout_s
    )
