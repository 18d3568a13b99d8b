"""Both sides' lines against the gateway's: what is missing, what differs, what a 7002 says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.payments.reconciling import (
    Difference,
    Line,
    answer,
    carried_line,
    compare,
    first_of_each,
    read_statements,
    reason,
)

DAY = "20261127"
PAID = Line("SQ-1", "5201-1", "5201-1-1", "BANK-1", DAY, 246_000_000)
BACK = Line("SQ-2", "2252-1", "5201-9-1", "", DAY, -2_000_000)


def kinds(here: list[Line], there: list[Line], begin: str = DAY, end: str = DAY) -> list[str]:
    return [one.kind for one in compare("GGZY-ZPT", here, there, begin, end).differences]


def test_what_both_have_alike_is_no_difference() -> None:
    compared = compare("GGZY-ZPT", [PAID, BACK], [BACK, PAID], DAY, DAY)
    assert compared.differences == () and compared.equal == {PAID.key, BACK.key}


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ([], [PAID], ["missing-here"]),
        ([PAID], [], ["missing-there"]),
        ([PAID], [replace(PAID, fen=1)], ["amount"]),
        ([PAID], [replace(PAID, day="20261126")], ["date"]),
        ([PAID], [replace(PAID, day="20261128", fen=1)], ["amount", "date"]),
        ([PAID], [replace(PAID, app_no="SQ-7")], ["missing-here", "missing-there"]),
        ([PAID], [replace(PAID, bank_no="BANK-2")], ["missing-here", "missing-there"]),
        ([PAID], [PAID, PAID], ["missing-here"]),
    ],
)
def test_each_difference_is_named(here: list[Line], there: list[Line], expected: list[str]) -> None:
    assert kinds(here, there) == expected


def test_what_a_side_leaves_out_binds_nothing() -> None:
    """A refund has no number of the bank here; a side may leave the detail out."""
    assert kinds([BACK], [replace(BACK, bank_no="00000042")]) == []
    assert kinds([PAID], [replace(PAID, detail_id="", bank_no="")]) == []


def test_a_whole_key_is_found_before_a_vague_one() -> None:
    other = replace(PAID, detail_id="5201-1-2", bank_no="BANK-2", fen=5)
    vague = replace(PAID, detail_id="", bank_no="")
    assert kinds([other, PAID], [vague, replace(other)]) == []


def test_lines_of_other_days_are_looked_at_for_dates_alone() -> None:
    old = replace(PAID, app_no="SQ-8", day="20261120")
    assert kinds([PAID, old], [PAID]) == []
    assert kinds([PAID, old], [PAID], "20261120") == ["missing-there"]


def test_no_money_is_no_line_and_a_line_counts_as_it_was_told_first() -> None:
    failed = {"PayAppNo": "SQ-1", "VoucherNo": "5201-1", "DetailId": "1", "XPayAmt": "0.00"}
    assert carried_line("5001", failed) is None
    refund = {"PayAppNo": "SQ-2", "RefundVoucherNo": "2252-1", "RefundAmt": "-20000.00", "RefundDate": DAY}
    assert carried_line("5003", refund) == Line("SQ-2", "2252-1", "", "", DAY, -2_000_000)
    assert first_of_each([PAID, replace(PAID, fen=7)]) == [PAID]


def body(
    no: str = "DZ-1", pack: int = 1, packs: int = 1, lines: tuple[Line, ...] = (), **changes: Any
) -> Any:
    made = {
        "VoucherCheckNo": no, "AdmDivCode": "310000", "ChildPackNum": str(packs), "CurPackNo": str(pack),
        "BeginDate": DAY, "EndDate": DAY, "AllNum": str(len(lines)), "AllAmt": f"{sum(one.fen for one in lines) / 100:.2f}",
    }  # fmt: skip
    told = [
        {"PayAppNo": one.app_no, "VoucherNo": one.voucher_no, "DetailId": one.detail_id, "XPayDate": one.day,
         "XPayAmt": f"{one.fen / 100:.2f}", "XAgentBusinessNo": one.bank_no}
        for one in lines
    ]  # fmt: skip
    return {**made, **({"Detail": {"Line": told}} if told else {}), **changes}


def test_a_statement_is_whole_with_its_last_pack() -> None:
    totals = {"AllNum": "2", "AllAmt": "2440000.00"}
    first, second = body(packs=2, lines=(PAID,), **totals), body(pack=2, packs=2, lines=(BACK,), **totals)
    assert [one.is_complete for one in read_statements([first])] == [False]
    (whole,) = read_statements([first, second])
    assert whole.is_complete and whole.adds_up and [line.pack for line in whole.lines] == [1, 2]
    (short,) = read_statements([first, {**second, "Detail": {"Line": []}}])
    assert short.is_complete and not short.adds_up


def test_a_later_statement_takes_the_place_of_an_earlier_one() -> None:
    (one,) = read_statements([body(lines=(PAID,)), body("DZ-2", lines=(BACK,))])
    assert one.check_no == "DZ-2" and [line.voucher_no for line in one.lines] == ["2252-1"]
    (again,) = read_statements([body(lines=(PAID,)), body(lines=())])
    assert again.lines == ()


def test_a_reply_lists_each_difference_in_the_pack_of_its_line() -> None:
    totals = {"AllNum": "2", "AllAmt": "2440000.00"}
    (told,) = read_statements(
        [body(packs=2, lines=(PAID,), **totals), body(pack=2, packs=2, lines=(BACK,), **totals)]
    )
    missing = Difference("CZ", "missing-there", replace(PAID, app_no="SQ-5"), None)
    amount = Difference("GGZY-ZPT", "amount", replace(BACK, fen=-1), BACK)
    both = [(one, reason(one, "总平台")) for one in (missing, amount)]
    first, second = (answer(told, pack, both, 499) for pack in (1, 2))
    assert [line["PayAppNo"] for line in first["Detail"]["Line"]] == ["SQ-5"]
    assert second["Detail"]["Line"][0]["XCheckReason"] == "总平台金额-20000.00，网关-0.01"
    assert answer(told, 1, [], 499) == {
        "VoucherCheckNo": "DZ-1", "CurPackNo": "1", "XCheckResult": "0", "XDiffNum": "0",
    }  # fmt: skip
    many = answer(told, 1, [(missing, "x")] * 7, 3)
    assert many["XDiffNum"] == "7" and len(many["Detail"]["Line"]) == 3


def test_totals_that_are_not_those_of_the_lines_are_told() -> None:
    (told,) = read_statements([body(lines=(PAID,), AllAmt="1.00")])
    said = answer(told, 1, [], 499)
    assert said["XCheckResult"] == "1" and said["Detail"]["Line"][0]["VoucherNo"] == "5201-1"
