"""The standard at work: keys, many threads at once, and what it costs to be wrong."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.errors import ConfigError, MessageError
from gateway.standard import Standard
from gateway.standard.xsd import Validator
from tests.unit.standard.material import NUMBERS, ON, changed


def test_a_business_key_joins_its_elements_and_keeps_empty_parts(standard: Standard) -> None:
    assert standard.business_key("3001", {"PayAppNo": "SQ-1"}) == "SQ-1"
    assert standard.business_key("PaymentApplication", {"PayAppNo": "SQ-1"}) == "SQ-1"
    award = {"UnifiedDealCode": "A03"}
    assert standard.business_key("2002", award) == "A03|"
    upload = {"InvoiceCode": "1", "Digest": "d"}
    assert standard.business_key("3002", upload) == "|1||d"


def test_a_ticket_is_keyed_by_its_sm3(standard: Standard) -> None:
    expected = hashlib.new("sm3", b"t-1").hexdigest()
    assert standard.business_key("1002", {"Ticket": "t-1"}) == expected


def test_an_unknown_type_is_a_lookup_error(standard: Standard) -> None:
    for call in (standard.model, standard.sample, standard.sensitive):
        with pytest.raises(LookupError, match="unknown message type"):
            call("3099")
    with pytest.raises(LookupError):
        standard.check("3099", {}, on=ON)


def test_many_threads_check_at_once_without_mixing_their_errors(standard: Standard) -> None:
    good = {number: standard.sample(number) for number in NUMBERS}
    required = {
        number: next(child.name for child in standard.model(number).children if child.minimum)
        for number in good
    }

    def work(turn: int) -> int:
        wrong = 0
        for number, record in good.items():
            assert standard.check(number, record, on=ON)
            with pytest.raises(MessageError) as caught:
                standard.check(number, changed(record, (required[number],), ...), on=ON)
            assert [fault.path for fault in caught.value.faults] == [required[number]]
            wrong += 1
        return wrong

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(16))) == 16 * len(NUMBERS)


def test_a_message_that_is_too_large_is_refused_as_such(standard: Standard) -> None:
    record = standard.sample("9001")
    record["Time"] = "1" * (9 * 1024 * 1024)
    with pytest.raises(MessageError) as caught:
        standard.check("9001", record, on=ON)
    assert caught.value.result == "10002"


def test_schemas_that_do_not_compile_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "9001-HeartBeat.xsd").write_text(
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:el/></xs:schema>"
    )
    with pytest.raises(ConfigError, match="do not compile"):
        Validator(tmp_path)
