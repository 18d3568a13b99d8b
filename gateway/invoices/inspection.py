"""An invoice's file, inspected: what it is, what it says, whether it agrees with itself, whether its seal holds.

Bytes, roots and the time go in, an `Inspection` comes out; nothing in a file raises. (PDF and pixels are read
in a child process, contained.py says why.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway import clock
from gateway.digests import sm3_hex
from gateway.errors import Fault, MessageError
from gateway.invoices import checking
from gateway.invoices import keyed as keying
from gateway.invoices.limits import LIMITS, Limits
from gateway.invoices.model import Content, Inspection, Kind, Reading, Seal, SealState, Source, worst
from gateway.invoices.ofd import ROOT
from gateway.invoices.reading import kind_by_magic, read_file
from gateway.message import Record
from gateway.security.certificate import Certificate

_INTACT = (SealState.TRUSTED, SealState.ROOT_UNKNOWN)
_ORDER = list(Source)


def inspect_invoice(
    data: bytes,
    at: datetime,
    *,
    roots: Sequence[Certificate] = (),
    keyed: Record | None = None,
    limits: Limits = LIMITS,
) -> Inspection:
    """`at`: now, aware. `roots`: whose seals are trusted. `keyed`: a message 3002, or an invoice of a 3001."""
    try:
        kind, content = read_file(data, roots, at, limits)
    except MessageError as error:
        kind, content = kind_by_magic(data), _unread(kind_by_magic(data), error)
    covered = frozenset[str]().union(*(seal.covers for seal in content.seals if seal.state in _INTACT))
    readings = _in_order(content.readings, covered)
    invoice, origin = _merge(readings)
    faults, warnings = _check(content, readings, invoice, at)
    digest = sm3_hex(data)
    if keyed is not None:
        wrong, odd = keying.compare_invoice(invoice, keyed)
        faults.extend((*wrong, *keying.compare_file(kind, len(data), digest, content.is_scan, keyed)))
        warnings.extend(odd)
    lacking = [] if content.is_scan or content.faults else checking.find_lacking(invoice)
    # XML is the invoice itself; the text of a page may be of anything.
    (faults if kind in (Kind.E_INVOICE, Kind.CLASSIC) else warnings).extend(lacking)
    uncovered = content.sealable - covered if covered else frozenset[str]()
    warnings.extend(_of_uncovered(uncovered))
    needs_person = content.is_scan or not invoice or bool(lacking) or _is_loose(uncovered, origin)
    return Inspection(
        kind, len(data), digest, invoice, origin, readings, worst(content.seals), content.seals,
        tuple(faults), tuple(warnings), needs_person, content.is_scan, covered,
    )  # fmt: skip


def _of_uncovered(uncovered: frozenset[str]) -> list[Fault]:
    zh, en = "印章未覆盖的条目", "the seal does not cover"
    named = ", ".join(sorted(uncovered)[:10])
    return [Fault("invoice.not-covered", "", zh, en, "30005", found=named)] if uncovered else []


def _is_loose(uncovered: frozenset[str], origin: Mapping[str, str]) -> bool:
    """Does anything that counts lie outside the seal? OFD.xml is often changed after the sealing, to name the
    signature, and counts if the invoice was read from it; anything else is not changed so."""
    return bool(uncovered - {ROOT} or uncovered & {_entry(place) for place in origin.values()})


def _check(
    content: Content, readings: tuple[Reading, ...], invoice: Record, at: datetime
) -> tuple[list[Fault], list[Fault]]:
    faults, warnings = [*content.faults], [*content.warnings]
    today = at.astimezone(clock.SHANGHAI).date()
    for reading in readings:
        wrong, odd = checking.check_reading(reading, invoice, today)
        faults.extend(wrong)
        warnings.extend(odd)
    faults.extend(checking.check_sources(readings))
    for seal in content.seals:
        (faults if seal.state is SealState.BROKEN else warnings).extend(_of_seal(seal))
    return _once(faults), _once(warnings)


def _once(faults: list[Fault]) -> list[Fault]:
    """What one source repeats of another is told once, at the first."""
    told: dict[tuple[str, ...], Fault] = {}
    for fault in faults:
        field = fault.path.partition("#")[2]
        told.setdefault((fault.code, field or fault.path, fault.en, fault.expected, fault.found), fault)
    return list(told.values())


def _unread(kind: Kind, error: MessageError) -> Content:
    """What could have a seal and cannot be read is not simply without one."""
    fault = error.faults[0]
    seal = Seal(SealState.UNVERIFIABLE, fault.place, (), (fault.zh, fault.en))
    return Content(seals=(seal,) if kind in (Kind.OFD, Kind.PDF) else (), faults=error.faults)


def _of_seal(seal: Seal) -> list[Fault]:
    if seal.state is SealState.BROKEN:
        zh, en = "印章已被破坏", "the seal is broken here"
        more = f" ({seal.why[1]})" if seal.why[1] else ""
        return [Fault("invoice.seal-broken", place, zh, en + more, "30005") for place in seal.places]
    if seal.state is SealState.TRUSTED:
        return []
    return [Fault(f"invoice.seal-{seal.state.value}", seal.place, *seal.why, "30005")]


def _in_order(readings: Sequence[Reading], covered: frozenset[str]) -> tuple[Reading, ...]:
    """What an intact seal covers first, then by source."""
    return tuple(
        sorted(readings, key=lambda one: (_entry(one.place) not in covered, _ORDER.index(one.source)))
    )


def _entry(place: str) -> str:
    return place.partition("#")[0]


def _merge(readings: Sequence[Reading]) -> tuple[Record, Mapping[str, str]]:
    """Each field from the first reading that has it, and where that was."""
    invoice: Record = {}
    origin: dict[str, str] = {}
    for reading in readings:
        for field, value in reading.record.items():
            if field not in invoice:
                invoice[field], origin[field] = value, reading.place
    return invoice, origin
