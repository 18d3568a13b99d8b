"""How a platform is reached: the `connector` of config/platforms/*.yaml, with the parts of its kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from gateway.secretrefs import SECRET
from gateway.settingparts import Part

_FOLDER = r"^[^/.\x00][^/\x00]*(/[^/.\x00][^/\x00]*)*$"  # no `..`, nothing hidden
_WEEK_S = 7 * 86_400
# kind → the schemes that its url may have.
_SCHEMES = {
    "http": ("http", "https"), "soap": ("http", "https"), "voucher": ("http", "https"),
    "file": ("file",), "sftp": ("sftp",), "amqp": ("amqp", "amqps"),
}  # fmt: skip
_FOLDERS = frozenset({"file", "sftp"})
_LOGINS = frozenset({"sftp", "amqp"})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Operations(Part):
    """How one message type travels to a voucher store: which operations, and what goes along."""

    operations: list[str]
    files: list[str] = Field(default_factory=list)  # paths of {FileId, Digest, FileSize}: sent first


class DropSettings(Part):
    """Folders below the connector's url. `deliver_to`: where the gateway delivers; what the platform has, it may move
    to done/ or failed/ there. `take_from`: where the platform drops; looked at every `every_s`, at most `most` files.
    `keep_s`: how long what it dropped, settled, and the answers stay there; 0: until the platform clears them away."""

    deliver_to: str = Field(default="out", pattern=_FOLDER)
    take_from: str = Field(default="in", pattern=_FOLDER)
    takes: bool = True  # false: the platform sends by another way
    every_s: float = Field(default=2.0, gt=0)
    most: int = Field(default=100, ge=1, le=10_000)
    keep_s: float = Field(default=90 * 86_400.0, ge=0)
    max_age_s: int = Field(default=_WEEK_S, ge=1)  # how old a seal may be: a file may lie for a while

    @model_validator(mode="after")
    def _is_apart(self) -> DropSettings:
        ours, theirs = self.deliver_to + "/", self.take_from + "/"
        if ours.startswith(theirs) or theirs.startswith(ours):
            raise ValueError("deliver_to and take_from must be folders apart")
        return self


class QueueSettings(Part):
    """At the broker of the connector's url. `deliver_to`: the routing key of what is delivered (may hold `{type}`), at
    `exchange` ("": the name of a queue). `take_from`: the queue that the platform sends to; none: it sends by another way."""

    exchange: str = Field(default="", max_length=255)
    deliver_to: str = Field(default="", max_length=240)
    take_from: str = Field(default="", max_length=255)
    prefetch: int = Field(default=16, ge=1, le=1000)
    max_age_s: int = Field(default=_WEEK_S, ge=1)  # how old a seal may be: a message may wait for a while


class LoginSettings(Part):
    """Who the gateway is there, and how it knows that it is there. The user stands in the url. sftp: `known_hosts`, and
    `key` or `password`. amqp: `password`."""

    password: str = Field(default="", pattern=SECRET)
    key: str = Field(default="", pattern=SECRET)  # a private key, in OpenSSH's form or PEM
    passphrase: str = Field(default="", pattern=SECRET)
    known_hosts: str = ""  # a file of the servers' keys, as OpenSSH writes it
    authority: str = ""  # a file of certificates, one of which vouches for the broker; none: the system's

    def files(self) -> Iterator[tuple[str, str]]:
        """(name, path) of what must lie on the disk."""
        for name in ("known_hosts", "authority"):
            if path := str(getattr(self, name)):
                yield name, path
        for name in ("password", "key", "passphrase"):
            kind, _, path = str(getattr(self, name)).partition(":")
            if kind == "file":
                yield name, path


class ConnectorSettings(Part):
    """How a platform is reached. `url` may hold `{type}`. An `inbox` is not called: it fetches what waits for
    it, under a lease of `lease_s`."""

    kind: Literal["http", "soap", "voucher", "inbox", "file", "sftp", "amqp"]
    url: str = ""
    timeout_s: float = Field(30.0, gt=0, le=300)
    # By message type, where a receiver is quicker or slower with one: of kinds http and soap.
    timeouts_s: dict[str, Annotated[float, Field(gt=0, le=300)]] = Field(default_factory=dict)
    concurrency: int = Field(8, ge=1, le=256)
    lease_s: float = Field(120.0, gt=0, le=3600)
    slow_s: float = Field(5.0, gt=0)  # answers that take longer on average are told as "slow"
    operations: dict[str, Operations] = Field(default_factory=dict)  # by message type
    options: dict[str, str | int] = Field(default_factory=dict)
    drop: DropSettings = DropSettings()
    login: LoginSettings = LoginSettings()
    queue: QueueSettings = QueueSettings()

    def limit_s(self, number: str) -> float:
        """How long an attempt with a message of the type may take."""
        return self.timeouts_s.get(number, self.timeout_s)

    @model_validator(mode="after")
    def _fits(self) -> ConnectorSettings:
        if not self.url and self.kind != "inbox":
            raise ValueError(f"a connector of kind {self.kind} needs a url")
        if self.kind == "inbox":
            return self
        parts, schemes = urlsplit(self.url), _SCHEMES[self.kind]
        if parts.scheme not in schemes:
            wanted = " or ".join(f"{one}://" for one in schemes)
            raise ValueError(f"the url of a connector of kind {self.kind} begins with {wanted}")
        if self.kind == "file" and (parts.netloc or not Path(parts.path).is_absolute()):
            raise ValueError("the url of a connector of kind file is file:///ABSOLUTE/FOLDER")
        if "drop" in self.model_fields_set and self.kind not in _FOLDERS:
            raise ValueError(f"a connector of kind {self.kind} has no folders: `drop` is not for it")
        if self.kind in _LOGINS and (not parts.username or parts.password is not None):
            raise ValueError(f"the url of a connector of kind {self.kind} names the user, and no password")
        if "login" in self.model_fields_set and self.kind not in _LOGINS:
            raise ValueError(f"a connector of kind {self.kind} logs in nowhere: `login` is not for it")
        if self.kind == "sftp" and not (self.login.known_hosts and (self.login.key or self.login.password)):
            raise ValueError("sftp needs `login` with known_hosts, and with key or password")
        if "queue" in self.model_fields_set and self.kind != "amqp":
            raise ValueError(f"a connector of kind {self.kind} has no queues: `queue` is not for it")
        if self.timeouts_s and self.kind not in ("http", "soap"):
            raise ValueError(
                f"a connector of kind {self.kind} has one time limit: `timeouts_s` is not for it"
            )
        if self.kind == "amqp":
            if not (self.queue.deliver_to and self.login.password):
                raise ValueError("amqp needs `queue` with deliver_to, and `login` with password")
            if parts.scheme == "amqp" and parts.hostname not in _LOOPBACK:
                raise ValueError("a broker on another machine is reached by amqps://")
        return self

    @property
    def takes_from_queue(self) -> bool:
        return self.kind == "amqp" and bool(self.queue.take_from)

    @property
    def takes_files(self) -> bool:
        """Does the platform send by dropping files?"""
        return self.kind in _FOLDERS and self.drop.takes
