"""A worker's place beside its siblings: which of how many, and what its parent gave it."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Seat:
    """`number` counts from 1. `listener`: the parent's listening socket; None: listen by oneself.
    `neighbours`: the socket to the parent for words to the other workers; `folder`: the parent's, in which each
    worker has a socket that the others may ask. None: there are no others."""

    number: int = 1
    of: int = 1
    listener: socket.socket | None = None
    neighbours: socket.socket | None = None
    folder: Path | None = None

    def share(self, settings: Settings) -> Settings:
        """The settings with this worker's part of what all of them may do at once. Of a receiver that takes
        fewer at once than there are workers some workers send nothing. `processes` comes as the number of
        nodes, and goes as that of all their workers: what senders may do is divided by it."""
        nodes = settings.gateway.processes
        if self.of == nodes == 1:
            return settings
        platforms = {}
        for node, platform in settings.platforms.items():
            part = self._part(max(1, platform.connector.concurrency // nodes))
            connector = platform.connector.model_copy(update={"concurrency": part})
            platforms[node] = platform.model_copy(update={"connector": connector})
        workers = max(1, self._part(settings.gateway.workers))
        gateway = settings.gateway.model_copy(update={"workers": workers, "processes": nodes * self.of})
        return replace(settings, gateway=gateway, platforms=platforms)

    def _part(self, whole: int) -> int:
        return whole // self.of + (self.number <= whole % self.of)
