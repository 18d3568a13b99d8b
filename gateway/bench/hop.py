"""The parts of a hop's floor, on the message that the end-to-end run sends."""

from __future__ import annotations

from pathlib import Path

import orjson
from lxml import etree

from gateway import clock
from gateway.bench import endtoend, floor
from gateway.bench.floor import Part
from gateway.formats import formats
from gateway.mapping import Context, load_mappings
from gateway.standard import Standard

NUMBER = "2002"


async def measure(root: Path) -> list[Part]:
    """Every part, CPU µs for one message. The outgoing map of the standard's own JSON form is its dump."""
    standard = Standard.load(root / "schemas")
    mapping = load_mappings(root / "mappings", standard).get("construction", NUMBER, "in")
    data = endtoend.payloads(root, 1)[1][0]
    parsed = formats.get("des").decode(data)
    context = Context(parsed.head, {})
    record = mapping.apply(parsed.record, context)
    body = standard.check(NUMBER, record, on=clock.now().date())
    schema = etree.XMLSchema(etree.parse(str(root / "schemas/standard/v1/2002-AwardResultSync.xsd")))
    seal, unseal = floor.seal_pair_us(data)
    receive, send = await floor.http_us(data * 2, b"x" * 2400)
    return [
        Part("HTTP receive", receive),
        Part("HTTP send", send),
        Part("parse", floor.parse_us(data)),
        Part("XSD", floor.validate_us(schema, body)),
        Part("map in (record → record)", floor.cpu_us(lambda: mapping.apply(parsed.record, context), 300)),
        Part("map out (record → JSON)", floor.cpu_us(lambda: orjson.dumps(record), 300)),
        Part("two seals", 2 * seal),
        Part("two unseals", 2 * unseal),
        Part("three durable writes at batch 32", floor.durable_writes_us(body + data)),
    ]
