"""The primitives of a hop, on the message that the end-to-end run sends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from lxml import etree

from gateway import clock
from gateway.bench import floor, material
from gateway.formats import formats
from gateway.mapping import Context, load_mappings
from gateway.standard import Standard

NUMBER = "2002"
REPLY, ANSWER = (
    1000,
    640,
)  # bytes of a DES platform's acknowledgement with its receipt, and of an 8001 in JSON


@dataclass(frozen=True, slots=True)
class Primitive:
    """One thing that the wire needs, once a message, or once for a batch of `share` messages."""

    name: str
    call: Callable[[], object]
    share: int = 1

    def cpu_us(self, calls: int = 300) -> float:
        """CPU microseconds for one message: the best of three series, with nothing else in the process."""
        best = float("inf")
        for _ in range(3):
            started = time.process_time_ns()
            for _ in range(calls // self.share):
                self.call()
            best = min(best, (time.process_time_ns() - started) / (calls // self.share) / 1000)
        return best / self.share


def primitives(root: Path, folder: Path) -> Sequence[Primitive]:
    """`folder` takes the database of the durable writes. The outgoing map of the standard's own JSON form is
    its dump."""
    standard = Standard.load(root / "schemas")
    mapping = load_mappings(root / "mappings", standard).get("construction", NUMBER, "in")
    data = material.payloads(root, 1)[1][0]
    parsed = formats.get("des").decode(data)
    context = Context(parsed.head, {})
    record = mapping.apply(parsed.record, context)
    body = standard.check(NUMBER, record, on=clock.now().date())
    schema = etree.XMLSchema(etree.parse(str(root / "schemas/standard/v1/2002-AwardResultSync.xsd")))
    tree = etree.fromstring(body)
    sealing = [floor.make_seal_pair(one) for one in (data, orjson.dumps(record), bytes(REPLY), bytes(ANSWER))]
    return (
        Primitive("parse", lambda: etree.fromstring(data)),
        Primitive("XSD", lambda: schema.validate(tree)),
        Primitive("map in (record → record)", lambda: mapping.apply(parsed.record, context)),
        Primitive("map out (record → JSON)", lambda: orjson.dumps(record)),
        Primitive("unseal the message", sealing[0][1]),
        Primitive("seal it for the receiver", sealing[1][0]),
        Primitive("seal the reply", sealing[2][0]),
        Primitive("unseal the answer", sealing[3][1]),
        Primitive(
            f"three durable writes at batch {floor.BATCH}",
            floor.DurableWrites(folder, body + data).batch,
            share=floor.BATCH,
        ),
    )
