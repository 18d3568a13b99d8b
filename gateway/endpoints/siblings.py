"""What the workers of one port counted: whichever of them is asked tells of all, each under its own `worker`.

Each answers on a socket of its own in a folder that their parent made (seat.py): so the figures are those of the moment, and
a worker that was replaced or died leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from gateway.seat import Seat

log = structlog.get_logger("endpoints")
_WAIT_S = 2.0


class Siblings:
    """`seat` of this worker; one without siblings asks nobody."""

    def __init__(self, seat: Seat):
        self.seat = seat

    def serving(self, tell: Callable[[], bytes]) -> Callable[[web.Application], AsyncIterator[None]]:
        """A part of an application that answers the siblings with what `tell` says, while it runs."""

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(tell())
            writer.close()

        async def serve(_: web.Application) -> AsyncIterator[None]:
            if self.seat.folder is None:
                yield
                return
            place = self.seat.folder / str(self.seat.number)
            place.unlink(missing_ok=True)  # of the one that this one replaces
            server = await asyncio.start_unix_server(answer, place)
            yield
            server.close()

        return serve

    async def gathered(self, own: bytes) -> bytes:
        """The text of all workers as one, in which each sample says whose it is; `own` where there is one alone."""
        if self.seat.folder is None:
            return own
        others = [number for number in range(1, self.seat.of + 1) if number != self.seat.number]
        texts = await asyncio.gather(*map(self._ask, others))
        told = {self.seat.number: own, **dict(zip(others, texts, strict=True))}
        registry = CollectorRegistry()
        registry.register(_Merged(sorted(told.items())))
        return generate_latest(registry)

    async def _ask(self, number: int) -> bytes:
        """b"" of one that is not there at this moment."""
        assert self.seat.folder is not None
        try:
            async with asyncio.timeout(_WAIT_S):
                reader, writer = await asyncio.open_unix_connection(self.seat.folder / str(number))
                try:
                    return await reader.read(-1)
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            log.warning("worker tells no metrics", worker=number, cause=repr(error))
            return b""


class _Merged(Collector):
    def __init__(self, told: Iterable[tuple[int, bytes]]):
        self.told = told

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for number, text in self.told:
            for family in text_string_to_metric_families(text.decode()):
                merged = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                merged.samples += [
                    sample._replace(labels={**sample.labels, "worker": str(number)})
                    for sample in family.samples
                ]
        return families.values()
