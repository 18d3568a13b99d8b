"""What the gateway shows where it logs in (SFTP, AMQP), and whom it believes there: read once, at the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import ConfigError, Finding
from gateway.secretrefs import read_secret
from gateway.settings import Settings


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """`key`: a private key in OpenSSH's form or PEM. `known_hosts`: the text of such a file. `authority`: certificates, PEM."""

    password: str = ""
    key: str = ""
    passphrase: str = ""
    known_hosts: str = ""
    authority: str = ""


NO_LOGIN = Login()
_FILES = ("known_hosts", "authority")


def load_logins(settings: Settings, environ: Mapping[str, str] | None = None) -> dict[str, Login]:
    """By platform. ConfigError for everything that cannot be read."""
    environ = os.environ if environ is None else environ
    findings: list[Finding] = []
    logins: dict[str, Login] = {}
    for node, platform in settings.platforms.items():
        given = platform.connector.login.model_dump(exclude_defaults=True)
        read: dict[str, str] = {}
        for name, value in given.items():
            reference = f"file:{value}" if name in _FILES else value
            try:
                read[name] = read_secret(reference, settings.at, environ)
            except (OSError, ValueError) as error:
                text = f"{reference.partition(':')[0]}: cannot be read: {error}"
                findings.append(
                    Finding(f"platform {node}", 0, 0, f"connector.login.{name}", text, "config.secret")
                )
        logins[node] = Login(**read)
    if findings:
        raise ConfigError(findings)
    return logins
