"""Certificates as they lie on disk: the gateway's own and its platforms', with the days that they have left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway import clock
from gateway.message import GATEWAY_NODE
from gateway.security import keys
from gateway.settings import Platform, Settings

SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class Key:
    """A certificate's file and how long it lasts; `fault`: why it cannot be read."""

    name: str
    kind: str = ""
    subject: str = ""
    thumbprint: str = ""
    until: str = ""
    days_left: int = 0
    fault: str = ""

    @property
    def mark(self) -> str:
        if self.fault or self.days_left < 0:
            return "bad"
        return "warn" if self.days_left < SOON_DAYS else "good"


def all_keys(settings: Settings) -> dict[str, list[Key]]:
    """By platform, and the gateway's own."""
    folder = settings.certs_dir
    own = sorted((folder / GATEWAY_NODE).rglob("*.crt"))
    found = {GATEWAY_NODE: [_read(path, str(path.relative_to(folder / GATEWAY_NODE))) for path in own]}
    for platform in settings.platforms.values():
        found[platform.id] = [_read(path, path.name) for path in _files(folder / platform.id, platform)]
    return found


def _files(place: Path, platform: Platform) -> list[Path]:
    own = [place / "sign.crt", place / "encrypt.crt", *(Path(one) for one in platform.certificates)]
    return [*own, place / "tls.crt"] if (place / "tls.crt").exists() else own


def _read(path: Path, name: str) -> Key:
    try:
        found = keys.load_certificate(path.read_bytes())
    except OSError as error:
        return Key(name, fault=error.strerror or str(error))
    except ValueError as error:
        return Key(name, fault=str(error))
    days = (found.not_after - clock.now()).days
    return Key(name, found.kind, found.subject, found.thumbprint, f"{found.not_after:%Y-%m-%d}", days)
