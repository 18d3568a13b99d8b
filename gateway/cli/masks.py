"""What a terminal may show of messages: the same as the console."""

from __future__ import annotations

from typing import Any

from gateway.console.masked import Masker
from gateway.console.told import brief, masker_of
from gateway.settings import Settings
from gateway.standard import Standard
from gateway.store.contract import MessageRow


class Masks:
    """Over the standard, which says what is sensitive."""

    def __init__(self, settings: Settings):
        self.standard = Standard.load(settings.root / "schemas")

    def of(self, row: MessageRow) -> Masker:
        return masker_of(self.standard, row)

    def brief(self, row: MessageRow) -> dict[str, Any]:
        return brief(row, self.of(row))
