"""Samples: valid on any day after their story, the same for the same seed, and one case from end to end."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.payments.authorities import Authorities, Authority
from gateway.payments.case import Case
from gateway.payments.coverage import Coverage, Covered
from gateway.payments.ground import Ground
from gateway.payments.process import decide
from gateway.standard import Standard
from gateway.standard.sampling import Sample, Sampler
from tests.unit.standard.material import each_type, lxml_accepts

TODAY = date(2026, 5, 29)
STORIES = 25
AUTHORITIES = Authorities(
    (
        Authority("", "310000", "11310000T03101035A", "市交通委"),
        Authority("", "310115", "11310115T03101086F", "浦东新区建交委"),
    )
)
COVERAGE = Coverage(
    tuple(Covered("01", div, f"CZ-ZFPT-{div}", date(2021, 3, 31)) for div in ("310000", "310115"))
)


@each_type
def test_every_sample_of_every_type_is_valid(number: str, standard: Standard) -> None:
    sampler = Sampler(standard, "suite")
    for index in range(STORIES):
        record = sampler.record(number, index)
        assert lxml_accepts(number, record), f"{number} #{index}"
        assert standard.validate(number, record, on=TODAY) == [], f"{number} #{index}"


@each_type
def test_samples_differ_by_seed_and_index_and_repeat_for_the_same(number: str, standard: Standard) -> None:
    made = [Sampler(standard, seed).record(number, index) for seed in ("1", "2") for index in range(3)]
    again = [Sampler(standard, seed).record(number, index) for seed in ("1", "2") for index in range(3)]
    assert made == again
    if number != "9003":  # its rows are the table's; only the day differs, and days repeat
        assert len({str(one) for one in made}) == len(made)


@pytest.mark.parametrize("index", range(STORIES))
def test_a_chain_is_taken_step_by_step_by_the_rules_of_the_process(index: int, standard: Standard) -> None:
    """No parent is missing, no balance exceeded, no payee unknown: the money's way from subject to result."""
    ground = Ground()
    chain = list(Sampler(standard, "chain").chain(index))
    for at, sample in enumerate(chain):
        assert standard.validate(sample.number, sample.record, on=TODAY) == []
        _judge(sample, ground, at)
    application = next(one.record for one in chain if one.number == "3001")
    stands = ground.application(application["PayAppNo"])
    paid = any(one.record.get("PayResult") == "1" for one in chain)
    assert stands is not None and stands.state == ("70" if paid else "72")
    assert stands.paid_fen == (stands.app_fen if paid else 0)


@pytest.mark.parametrize("number", ["1001", "1004", "2006", "2007", "2002", "2003", "3001", "4001"])
def test_a_chain_that_lacks_a_step_is_refused(number: str, standard: Standard) -> None:
    ground = Ground()
    chain = [one for one in Sampler(standard, "chain").chain(0) if one.number != number]
    with pytest.raises(AssertionError):
        for at, sample in enumerate(chain):
            _judge(sample, ground, at)


def _judge(sample: Sample, ground: Ground, at: int) -> None:
    kinds = {"GGZY-ZPT": "general", "GGZY-JSGC": "sub", "GGZY-ZFCG": "sub", "GW": "gateway"}
    kind = kinds.get(sample.sender, "treasury")
    fact = sample.number in ("5001", "5002", "5003")
    case = Case(
        sample.number, sample.record, sample.sender, f"m{at}", at, TODAY, "1", COVERAGE, sample.sender, kind, fact,
        authorities=AUTHORITIES,
    )  # fmt: skip
    ground.begin()
    finding = decide(case, ground)
    assert not finding.faults, f"{sample.number}: {finding.faults}"
    assert not finding.parked, sample.number
    ground.keep()


def test_a_chain_ends_where_it_is_told_to(standard: Standard) -> None:
    sampler = Sampler(standard, "1")
    numbers = [one.number for one in sampler.chain(0, "4002")]
    assert numbers[-1] == "4002" and numbers.count("4002") == 1
    assert [one.number for one in sampler.chain(0, "PaymentApplication")][-1] == "3001"
    with pytest.raises(LookupError, match="unknown message type"):
        list(sampler.chain(0, "3999"))


def test_the_city_is_served_by_the_offices_that_the_configuration_knows(standard: Standard) -> None:
    sampler = Sampler(standard, "offices")
    pushes = [sampler.record("4002", index) for index in range(30)]
    offices = {(one["AdmDivCode"], one["AuthorityCode"], one["AuthorityName"]) for one in pushes}
    assert offices == {
        ("310000", "11310000T03101035A", "上海市交通委员会"),
        ("310115", "11310115T03101086F", "上海市浦东新区建设和交通委员会"),
    }


def test_stories_are_of_many_kinds(standard: Standard) -> None:
    """Both platforms and treasuries, consortia, wages, every kind of invoice, failures."""
    sampler = Sampler(standard, "kinds")
    chains = [list(sampler.chain(index)) for index in range(80)]
    text = str([[(one.sender, one.record) for one in chain] for chain in chains])
    for word in (
        "GGZY-JSGC", "GGZY-ZFCG", "CZ-ZFPT-310000", "CZ-ZFPT-310115", "'UnionFlag': '1'", "'FeeKind': '02'",
        "'InvoiceKind': '10'", "'InvoiceKind': '31'", "'InvoiceKind': '32'", "'InvoiceKind': '90'",
        "'PayResult': '2'", "'PayKind': '01'", "'PayKind': '04'",
    ):  # fmt: skip
        assert word in text, word
