"""Between a platform's own words and the standard's: format, then mapping, in either direction.

A platform of profile `general` speaks the standard itself: no mapping stands between.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Map
from dataclasses import dataclass, replace

from gateway import clock
from gateway.errors import Fault, MessageError
from gateway.formats import Format, formats
from gateway.formats.places import locate
from gateway.mapping import Context, Mapping, MappingSet
from gateway.message import Head, Parsed, Record
from gateway.settings import Platform
from gateway.standard import Standard

IDENTITY = "general"
ACK = "8001"


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Read:
    """A message in the standard's words, with what its envelope said and the mapping that read it."""

    record: Record
    parsed: Parsed
    mapping: Mapping | None

    def in_senders_words(self, faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
        """The faults of the standard's side, placed in the sender's own field names."""
        mapping = self.mapping
        if mapping is None:
            return faults
        return tuple(
            fault if fault.source_path else fault.in_words_of(mapping.source_of(fault.path))
            for fault in faults
        )


def placed(faults: Iterable[Fault], payload: bytes) -> list[Fault]:
    """The faults with line and column in the sender's bytes, where those can be told."""
    found = list(faults)
    places = locate(payload, [fault.place for fault in found if not fault.column])
    return [_at(fault, *places.get(fault.place, (0, 0))) for fault in found]


def _at(fault: Fault, line: int, column: int) -> Fault:
    """A line that is known already stays; its column is told where the two agree."""
    if not line or fault.column or fault.line not in (0, line):
        return fault
    return replace(fault, line=line, column=column)


class Translator:
    """Reads what platforms send and writes what they receive. Pure; shared by intake, poller, delivery."""

    def __init__(self, standard: Standard, mappings: MappingSet, platforms: Map[str, Platform]):
        self.standard = standard
        self.mappings = mappings
        self.platforms = platforms

    def format_of(self, platform: Platform) -> Format:
        return formats.get(platform.format)

    def parse(self, platform: Platform, data: bytes) -> Parsed:
        """The platform's bytes as its own record; MessageError 10001–10004 where they are not."""
        return formats.get(platform.format).decode(data)

    def read(self, platform: Platform, number: str, parsed: Parsed) -> Read:
        """The standard's record of a parsed message; MessageError in the sender's field names."""
        self._check_type(platform, number, parsed)
        if platform.profile == IDENTITY:
            return Read(self.standard.from_json(number, parsed.record), parsed, None)
        mapping = self.mappings.get(platform.profile, number, "in")
        mapping.check_envelope(parsed.envelope)
        context = Context(parsed.head, platform.values)
        try:
            return Read(mapping.apply(parsed.record, context), parsed, mapping)
        except MessageError as error:
            # What could be mapped is validated too, so that every fault is told at once.
            record, faults = mapping.attempt(parsed.record, context)
            found = self.standard.validate(number, record, on=clock.now().date(), before=faults)
            raise MessageError(Read(record, parsed, mapping).in_senders_words(tuple(found))) from error

    def _check_type(self, platform: Platform, number: str, parsed: Parsed) -> None:
        own = parsed.own_type
        expected = platform.types.get(own, own if own in self.standard.catalogue else "")
        if expected and number not in expected.split(","):
            raise MessageError.of(
                "message.other-type",
                f"报文内容为 {own}，与所报类型 {number} 不符",
                f"the content is {own}, not a message of type {number}",
                result="10005",
                status=422,
            )

    def write(
        self, receiver: Platform, number: str, record: Record, head: Head, origin: Record | None = None
    ) -> tuple[bytes, str]:
        """A standard record in the receiver's form and encoding, with the version of the mapping.

        MessageError where the receiver's form cannot hold it; its paths are the standard's.
        """
        if receiver.profile == IDENTITY:
            body = self.standard.to_json(number, record)
            return formats.get(receiver.format).encode(body, head, {}, ""), "standard"
        mapping = self.mappings.get(receiver.profile, number, "out")
        context = Context(head.as_record(), receiver.values, origin)
        own = mapping.apply(record, context)
        envelope = mapping.envelope(record, context)
        try:
            return formats.get(mapping.format).encode(own, head, envelope, mapping.root), mapping.version
        except MessageError as error:  # a format names the receiver's fields
            raise MessageError([_in_standards_words(mapping, one) for one in error.faults]) from error

    def write_ack(self, receiver: Platform, number: str, record: Record, head: Head) -> bytes:
        """8001, or the answer to a query, in the platform's own form."""
        return self.write(receiver, number, record, head)[0]

    def read_ack(self, platform: Platform, payload: bytes) -> Record:
        """A receiver's own answer as the standard's 8001; MessageError where it is not one."""
        if platform.profile == IDENTITY:
            parsed = formats.get(platform.format).decode(payload)
            return self.standard.from_json(ACK, parsed.record)
        mapping = self.mappings.get(platform.profile, ACK, "in")
        parsed = formats.get(mapping.format).decode(payload)
        return mapping.apply(parsed.record, Context(parsed.head, platform.values))


def _in_standards_words(mapping: Mapping, fault: Fault) -> Fault:
    return replace(fault, path=mapping.source_of(fault.path) or fault.path, source_path="")


def head_for(head: Head, *, receiver: str, idem_key: str, version: int) -> Head:
    """The head as a receiver gets it: addressed to it, under the delivery's own key."""
    # Written out: `dataclasses.replace` of so many fields takes ten times as long.
    return Head(
        head.MsgNo, head.MsgId, head.MsgRef, head.Src, receiver, head.AdmDivCode, head.StYear, head.BizType,
        head.BizKey, str(version), head.OperType, idem_key, head.BodyDigest, head.WorkDate, head.SendTime,
        head.RetryNo, head.Ver,
    )  # fmt: skip
