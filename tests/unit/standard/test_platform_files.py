"""Files of platforms against the platforms' own schemas, fault by fault."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gateway.standard import Standard
from gateway.standard.listing import validate_file
from tests.unit.standard.material import SCHEMAS

CASES = SCHEMAS.parent / "mappings"
REAL = SCHEMAS.parents[1] / "shared" / "data"


def case(name: str) -> bytes:
    return (CASES / name).read_bytes()


def told(standard: Standard, data: bytes) -> list[tuple[str, str]]:
    return [(fault.path, fault.code) for fault in validate_file(standard, data)]


def test_a_des_upload_is_held_against_its_envelope_and_data_set(standard: Standard) -> None:
    good = case("construction/cases/ProjectSync.in/highway-maintenance.input.xml")
    assert told(standard, good) == []
    text = good.decode("utf-8-sig")
    wrong = text.replace("<PROJECT_CODE>", "<PROJECT_CODE>xx").replace("REGION_CODE>", "REGION>")
    wrong = wrong.replace("<DATA_TYPE>1", "<DATA_TYPE>9")
    assert sorted(told(standard, wrong.encode())) == [
        ("CONTEXT/PROJECT_CODE", "standard.wrong-pattern"),
        ("CONTEXT/REGION", "standard.unexpected-element"),
        ("CONTEXT/REGION_CODE", "standard.missing-element"),
        ("TITLE/DATA_TYPE", "standard.wrong-pattern"),
    ]
    for fault in validate_file(standard, wrong.encode()):
        assert fault.line and fault.mend_zh and "xx" not in f"{fault}"


def test_an_unknown_data_set_is_told(standard: Standard) -> None:
    text = (
        case("construction/cases/ProjectSync.in/highway-maintenance.input.xml")
        .decode("utf-8-sig")
        .replace("<DATA_NO>500", "<DATA_NO>599")
    )
    assert told(standard, text.encode()) == [("TITLE/DATA_NO", "standard.unknown-type")]


def test_a_voucher_is_opened_and_held_against_its_type(standard: Standard) -> None:
    inner = "<Voucher><Id>1</Id><VtCode>5201</VtCode></Voucher>".encode("gbk")
    body = (
        '<MOF><VoucherCount>1</VoucherCount><VoucherBody AdmDivCode="310000" StYear="2024" VtCode="5201" '
        'VoucherNo="1"><VoucherFlag>0</VoucherFlag><Voucher>{}</Voucher></VoucherBody></MOF>'
    )
    faults = told(standard, body.format(base64.b64encode(inner).decode()).encode())
    assert ("VoucherBody[1]/Voucher/VoucherNo", "standard.missing-element") in faults
    assert all(code == "standard.missing-element" for _, code in faults) and len(faults) > 10
    assert told(standard, body.format("?").encode())[-1] == ("VoucherBody[1]/Voucher", "format.base64")
    assert ("VoucherBody[1]/Voucher", "xml.malformed") in told(standard, body.format("PGE+").encode())


def test_what_only_lxml_sees_is_refused(standard: Standard) -> None:
    body = "<MOF><VoucherCount>1</VoucherCount><VoucherBody><VoucherFlag>0</VoucherFlag><Voucher>eA==</Voucher></VoucherBody></MOF>"
    assert told(standard, body.encode())[0] == ("", "standard.schema")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "trading/project-1.xml",
            ["CONTEXT/PROJECT_KIND", "CONTEXT/PROJECT_LEVEL", "CONTEXT/PAY_ADM_DIV_CODE"],
        ),
        ("trading/project-3.xml", []),
    ],
)
def test_real_uploads_lack_only_what_was_added_for_the_payment(
    standard: Standard, name: str, expected: list[str]
) -> None:
    path: Path = REAL / name
    if not path.is_file():
        pytest.skip("the real files lie beside the project on the owners' machines")
    assert sorted(place for place, _ in told(standard, path.read_bytes())) == sorted(expected)
