"""Check digits against values from public sources, and every single change of a digit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.standard import checks

USCC = [
    "91110108690017781B",
    "91460300MAA92DJN95",
    "91330100799655058B",
    "914403001922038216",
    "9144030071526726XG",
    "91310000132260250X",
    "91310000631189305E",
    "11310000T03101019L",
    "91310115T031010199",
    "11310000T03101027F",
    "91310115T031010274",
]
CNAPS = [
    "102290002916",
    "102290002924",
    "102290002932",
    "104731003017",
    "011731002002",
    "011100000011",
    "102100099996",
    "105100000017",
    "301290000007",
    "310290000013",
    "325290000012",
]
DEALS = ["A03-12310000425010220N-20210325-000123-Y", "D01-91310000132206289R-20210401-000001-1"]
IDS = ["11010519491231002X", "440524188001010014"]
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize("code", USCC)
def test_a_real_credit_code_is_right_and_each_change_of_one_character_is_found(code: str) -> None:
    assert checks.is_uscc(code)
    for place in range(18):
        for letter in ALPHABET:
            other = code[:place] + letter + code[place + 1 :]
            assert checks.is_uscc(other) == (other == code), other


@pytest.mark.parametrize(
    "code", ["91500106MA2CE71F65", "9150010807MGZHI002", "", "9111010869001778", "91110108690017781b"]
)
def test_a_wrong_credit_code_is_found(code: str) -> None:
    assert not checks.is_uscc(code)


def test_the_organisation_code_inside_a_credit_code_is_checked_by_itself() -> None:
    inner = USCC[0][:16] + ("2" if USCC[0][16] != "2" else "3")
    total = sum(ALPHABET.index(letter) * pow(3, place, 31) for place, letter in enumerate(inner))
    assert not checks.is_uscc(inner + ALPHABET[-total % 31])  # its own check character is right
    assert not any(checks.is_uscc(inner + letter) for letter in ALPHABET)


@pytest.mark.parametrize("code", CNAPS)
def test_a_real_bank_number_is_right_and_each_change_of_one_digit_is_found(code: str) -> None:
    assert checks.is_cnaps(code)
    for place in range(12):
        for digit in "0123456789":
            other = code[:place] + digit + code[place + 1 :]
            assert checks.is_cnaps(other) == (other == code), other


@pytest.mark.parametrize("code", DEALS)
def test_a_deal_code_is_right_and_swapped_or_changed_characters_are_found(code: str) -> None:
    assert checks.is_unified_deal_code(code)
    for place in (0, 1, 4, 10, 24, 30, 37):
        letter = "7" if code[place] != "7" else "8"
        assert not checks.is_unified_deal_code(code[:place] + letter + code[place + 1 :])
    assert not checks.is_unified_deal_code(code.replace("-", ""))


@pytest.mark.parametrize("code", IDS)
def test_the_identity_numbers_of_the_national_standard_are_right(code: str) -> None:
    assert checks.is_id_card(code)
    assert not checks.is_id_card(code[:16] + ("1" if code[16] != "1" else "2") + code[17])


def test_an_identity_number_needs_a_day_of_the_calendar() -> None:
    body = "11010519490231002"
    assert not any(checks.is_id_card(body + last) for last in "0123456789X")


def test_a_party_is_checked_only_with_eighteen_characters() -> None:
    assert checks.is_party("ABC-123") and checks.is_party(USCC[0]) and checks.is_party(IDS[0])
    assert not checks.is_party(USCC[0][:-1] + "0")


def test_the_qr_texts_of_two_real_invoices_have_their_crc() -> None:
    first = "01,10,050001700111,99999951,300.00,20201010,14754822929856772523,"
    second = "01,10,050001700111,12235358,10000.00,20200805,16630282980991510014,"
    assert checks.qr_crc(first) == "E400" and checks.qr_crc(second) == "7257"
    assert checks.is_qr_text(f"{first}E400") and checks.is_qr_text(f"{second}7257,")
    assert not checks.is_qr_text(f"{first}7257") and not checks.is_qr_text("")


def test_bytes_in_gbk_are_counted_and_what_gbk_has_not_is_told() -> None:
    assert checks.gbk_length("上海AB") == 6
    assert checks.gbk_length("𠮷") is None and checks.first_outside_gbk("上𠮷") == "𠮷"
    assert checks.gbk_length("㛃") is None  # in GB18030 alone
    assert checks.fits_gbk("上海", 4) and not checks.fits_gbk("上海", 3) and not checks.fits_gbk("𠮷", 99)


@pytest.mark.parametrize(
    ("text", "right"),
    [("20240229", True), ("20230229", False), ("99991231", True), ("20241301", False), ("00000101", False),
     ("2024022", False), ("２０２４０２２９", False)],
)  # fmt: skip
def test_a_day_is_one_of_the_calendar(text: str, right: bool) -> None:
    assert checks.is_day(text) is right
    assert checks.is_moment(f"{text}235959") is right or len(text) != 8


@given(st.text(max_size=40))
def test_no_check_fails_on_any_text(text: str) -> None:
    for check in (checks.is_uscc, checks.is_cnaps, checks.is_unified_deal_code, checks.is_id_card):
        assert check(text) in (True, False)
    assert checks.is_party(text) in (True, False) and checks.is_qr_text(text) in (True, False)
    checks.gbk_length(text)
