"""What a terminal may show of messages: the same as the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.cli.opened import time_of
from gateway.console.masked import Masker
from gateway.settings import Settings
from gateway.standard import Standard
from gateway.store.contract import MessageRow


class Masks:
    """What a terminal may show of a message: a business key can hold an account number (1004)."""

    def __init__(self, settings: Settings):
        self.standard = Standard.load(settings.root / "schemas")

    def of(self, row: MessageRow) -> Masker:
        sensitive = self.standard.sensitive(row.type)
        return Masker(self.standard.read(row.type, row.body) if sensitive else {}, sensitive)

    def brief(self, row: MessageRow, masker: Masker | None = None) -> dict[str, Any]:
        return {
            "id": row.id,
            "type": row.type,
            "sender": row.sender,
            "state": str(row.state),
            "application": row.application,
            "biz_key": (masker or self.of(row)).text(row.biz_key),
            "biz_version": row.biz_version,
            "received_at": time_of(row.received_at),
            "note": row.note,
        }


def masked(value: Any, masker: Masker) -> Any:
    """The texts of a JSON value, masked."""
    if isinstance(value, Mapping):
        return {name: masked(one, masker) for name, one in value.items()}
    if isinstance(value, list):
        return [masked(one, masker) for one in value]
    return masker.text(value) if isinstance(value, str) else value
