"""What a refusal costs: 4 KB messages with one fault and with as many as fit, from bytes to problem document.

Everything that a refusal adds is in it: reading the format, mapping, the verdict, the explanation, the
sender's names, line and column, and all words of the answer. Sealing costs what it costs for any answer.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson

from gateway import clock, refusals
from gateway.bench import material
from gateway.endpoints import problem
from gateway.errors import MessageError
from gateway.mapping import load_mappings
from gateway.message import Record
from gateway.settings import Platform, load_settings
from gateway.standard import Standard
from gateway.translate import Translator, placed

BYTES = 4096
_ROUNDS = 400
_SEED = 20240701


@dataclass(frozen=True, slots=True)
class Case:
    """One message as it comes in, by whom and as what."""

    platform: Platform
    number: str
    data: bytes


def measure(root: Path) -> list[float]:
    """CPU ms of each refusal, sorted: every kind of message a few hundred times, in a drawn order."""
    standard = Standard.load(root / "schemas")
    platforms = load_settings(root).platforms
    translator = Translator(standard, load_mappings(root / "mappings", standard), platforms)
    cases = [*_json_cases(standard, platforms["GGZY-ZPT"]), *_des_cases(root, platforms["GGZY-JSGC"])]
    for case in cases:
        refuse(translator, case)
    drawn = cases * (_ROUNDS // len(cases) + 1)
    random.Random(_SEED).shuffle(drawn)
    return sorted(_cpu_ms(partial(refuse, translator, case)) for case in drawn)


def refuse(translator: Translator, case: Case) -> bytes:
    """The problem document of a message that is wrong; LookupError where it is not."""
    standard, payload = translator.standard, case.data
    read = None
    try:
        parsed = translator.parse(case.platform, payload)
        read = translator.read(case.platform, case.number, parsed)
        standard.check(case.number, read.record, on=clock.now().date())
    except MessageError as error:
        faults = read.in_senders_words(error.faults) if read is not None else error.faults
        taught = MessageError(placed(faults, payload))
        ack = refusals.ack(taught, case.number, "0" * 32)
        return problem.problem(taught) + orjson.dumps(ack)
    raise LookupError(f"a {case.number} of the benchmark is valid")


def _cpu_ms(call: Callable[[], object]) -> float:
    started = time.process_time_ns()
    call()
    return (time.process_time_ns() - started) / 1e6


def _json_cases(standard: Standard, platform: Platform) -> Iterator[Case]:
    """The general platform's JSON: samples with faults, and what is made to cost most."""
    for number in ("1001", "2003", "3001", "3002", "4002", "7001"):
        sample = standard.to_json(number, standard.sample(number))
        for count in (1, 3, 12):
            yield Case(platform, number, _filled(_spoilt(sample, count)))
    for body in _worst():
        yield Case(platform, "3001", _filled(body))


def _spoilt(sample: Record, count: int) -> Record:
    """Every second one of the first elements gone, the others with a value that no type has."""
    made = dict(sample)
    for index, name in enumerate(list(sample)[:count]):
        if index % 2:
            made[name] = "~"
        else:
            del made[name]
    return made


def _worst() -> Iterator[Record]:
    yield {f"AppAmont{index}": "1" for index in range(220)}  # names that are nearly right
    yield {"Payees": {"Payee": [{}] * 498}}  # each item lacks everything
    yield {"Payees": {"Payee": [{"AcctNo": "~", "x": ""}] * 180}}
    yield {"UseDes": "养" * 1300}
    yield {"Invoices": {"Invoice": [{"AmountWithTax": 1, "TaxAmount": None}] * 90}}
    yield {"Applicant": {"Applicant": {"Applicant": [[[[]]]] * 300}}}


def _filled(body: Record) -> bytes:
    """The message with its head, brought to 4 KB by an element that is not in the standard."""
    data = orjson.dumps({"Head": {}, "Body": body})
    room = BYTES - len(data) - len(',"Filling":""')
    return orjson.dumps({"Head": {}, "Body": {**body, "Filling": "x" * room}}) if room > 0 else data


def _des_cases(root: Path, platform: Platform) -> Iterator[Case]:
    """Construction's XML, whose faults go back through a mapping."""
    (award,) = material.payloads(root, 1)[1]
    for pattern, new in (
        (rb"<NOTICE_NAME>.*?</NOTICE_NAME>", b""),
        (rb"<UNIFIED_DEAL_CODE>A03", b"<UNIFIED_DEAL_CODE>A04"),
        (rb"<WIN_BIDDER_CODE>9", b"<WIN_BIDDER_CODE>8"),
        (rb"NOTICE_NAME>", b"NOTICE_NAM>"),
    ):
        yield Case(platform, "2002", re.sub(pattern, new, award, flags=re.DOTALL))
