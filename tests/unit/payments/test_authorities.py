"""The industry authority comes from a table; the push carries what stands there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from gateway.payments.authorities import Authorities, Authority, with_authority
from gateway.payments.case import Case
from gateway.payments.process import complete

from .conftest import AUTHORITIES, COVERAGE, TENDERER, Desk, application, push, review

DAY = date(2026, 5, 1)
ROAD = Authority(TENDERER, "310000", "A" * 18, "路政")
OLD = Authority("", "310000", "B" * 18, "旧", until=date(2025, 12, 31))
NEW = Authority("", "310000", "C" * 18, "新", since=date(2026, 1, 1))
TABLE = Authorities((OLD, NEW, ROAD))


def test_a_tenderers_own_row_counts_before_the_divisions() -> None:
    assert TABLE.find(TENDERER, "310000", DAY) == ROAD
    assert TABLE.find("X", "310000", DAY) == NEW
    assert TABLE.find("X", "310000", date(2025, 12, 31)) == OLD
    assert TABLE.find(TENDERER, "310115", DAY) is None


def test_the_push_carries_the_tables_authority_where_it_names_none() -> None:
    body = {"TendererCode": TENDERER, "AdmDivCode": "310000"}
    assert with_authority(body, TABLE, DAY) == {**body, "AuthorityCode": "A" * 18, "AuthorityName": "路政"}
    named = {**body, "AuthorityCode": "A" * 18, "AuthorityName": "所报名称"}
    assert with_authority(named, TABLE, DAY) == named


def test_only_the_push_is_completed() -> None:
    case = Case("4002", push()[1], "G", "m", 1, DAY, "1", COVERAGE, authorities=AUTHORITIES)
    assert complete(case)["AuthorityCode"] == "11310000T03101035A"
    assert complete(replace(case, number="4001")) == case.body


def test_a_push_that_names_the_tables_authority_passes(desk: Desk) -> None:
    desk.walk(("3001", application()), review(), push(AuthorityCode="11310000T03101035A"))
    assert desk.state() == "40"
