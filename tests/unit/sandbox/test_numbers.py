"""Numbers made for the cases carry the check characters of FACTS-known real ones."""

from __future__ import annotations

from gateway.sandbox import numbers


def test_a_credit_code_gets_both_check_characters() -> None:
    assert numbers.uscc("91", "110108", "69001778") == "91110108690017781B"
    assert numbers.uscc("91", "460300", "MAA92DJN") == "91460300MAA92DJN95"
    assert numbers.uscc("91", "440300", "19220382") == "914403001922038216"
    assert numbers.uscc("91", "440300", "71526726") == "9144030071526726XG"


def test_a_deal_code_gets_its_mod_37_2_character() -> None:
    assert numbers.deal_code("A03", "12310000425010220N", "20210325", 123) == (
        "A03-12310000425010220N-20210325-000123-Y"
    )
    assert numbers.deal_code("D01", "91310000132206289R", "20210401", 1) == (
        "D01-91310000132206289R-20210401-000001-1"
    )


def test_a_bank_number_gets_its_mod_11_10_digit() -> None:
    for known in ("102290002916", "102290002924", "104731003017", "011731002002"):
        assert numbers.bank_no(known[:11]) == known


def test_numbers_do_not_repeat() -> None:
    assert len({numbers.new_company() for _ in range(200)}) == 200
    assert len({numbers.invoice_number("2026") for _ in range(200)}) == 200
    assert all(len(numbers.digits(7)) == 7 for _ in range(50))
