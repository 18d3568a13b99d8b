"""Files validated whole: JSON or XML by content, with or without a head."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from gateway.message import NAMESPACE, Head
from gateway.standard import Standard
from gateway.standard import head as heads
from gateway.standard.listing import list_types, validate_file
from gateway.translate import placed
from tests.unit.standard.material import NUMBERS, ON, V1, each_type


def whole(standard: Standard, record: Any) -> dict[str, Any]:
    key = standard.business_key("3001", record)
    head = Head(
        "3001", "0" * 32, "0" * 32, "GGZY-ZPT", "GW", "310000", "2024", "03", key, "1", "1",
        heads.idem_key("3001", "GGZY-ZPT", key, "1", "1"), heads.body_digest(standard.build("3001", record)),
        "20240618", "20240618093000123",
    )  # fmt: skip
    return {
        "Head": {**head.as_record(), "BizVersion": 1, "RetryNo": 0},
        "Body": standard.to_json("3001", record),
    }


def found(standard: Standard, data: str | bytes, number: str = "") -> list[tuple[str, str]]:
    text = data if isinstance(data, bytes) else data.encode()
    return [(fault.path, fault.code) for fault in validate_file(standard, text, number, on=ON).faults]


def test_every_type_is_listed_with_its_titles(standard: Standard) -> None:
    rows = list_types(standard)
    assert [row["number"] for row in rows] == NUMBERS
    assert all(row["title_zh"] and row["title_en"] and row["name"] and row["flow"] for row in rows)


@each_type
def test_a_sample_file_is_valid_as_json_and_as_xml(standard: Standard, number: str) -> None:
    name = standard.catalogue.get(number).name
    data = (V1 / "samples" / f"{number}-{name}.json").read_bytes()
    assert found(standard, data, number) == found(standard, data, name) == []
    assert found(standard, standard.build(number, standard.sample(number))) == []


def test_a_whole_message_says_its_type_itself(standard: Standard) -> None:
    message = whole(standard, standard.sample("3001"))
    assert found(standard, json.dumps(message)) == []
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in message["Head"].items())
    body = standard.build("3001", standard.sample("3001")).decode()
    xml = f'<?xml version="1.0"?><Msg xmlns="{NAMESPACE}"><Head>{fields}</Head><Body>{body}</Body></Msg>'
    assert found(standard, xml) == []
    assert found(standard, xml.replace("<Src>GGZY-ZPT", "<Src>GGZY-ZZZ")) == [
        ("Head/Src", "standard.unknown-code")
    ]


def test_faults_of_head_and_body_are_named_together(standard: Standard) -> None:
    message = whole(standard, standard.sample("3001"))
    message["Head"]["WorkDate"] = "2024-06-18"
    message["Body"]["AppAmount"] = "x"
    assert found(standard, json.dumps(message)) == [
        ("Head/WorkDate", "standard.not-a-date"),
        ("AppAmount", "standard.not-a-number"),
    ]
    message = whole(standard, standard.sample("3001"))
    message["Head"]["BodyDigest"] = "0" * 64
    assert found(standard, json.dumps(message)) == [("Head/BodyDigest", "standard.head")]


def test_faults_of_xml_carry_their_line(standard: Standard) -> None:
    text = standard.build("3001", standard.sample("3001")).decode().replace("><", ">\n<")
    text = text.replace("<InvoiceNo>40712345", "<InvoiceNo>4071")
    (fault,) = validate_file(standard, text.encode(), on=ON).faults
    line = text[: text.index("<InvoiceNo>4071")].count("\n") + 1
    assert (fault.path, fault.line) == ("Invoices/Invoice[2]/InvoiceNo", line)


def test_elements_in_the_wrong_order_are_refused_in_a_file(standard: Standard) -> None:
    text = standard.build("9003", standard.sample("9003")).decode()
    first = text[text.index("<TableId>") : text.index("</TableId>") + len("</TableId>")]
    moved = text.replace(first, "").replace("</CodeTableSync>", first + "</CodeTableSync>")
    assert found(standard, moved) == [("TableId", "standard.order")]


def test_every_element_that_stands_too_late_is_named_with_its_line(standard: Standard) -> None:
    text = standard.build("3001", standard.sample("3001")).decode().replace("><", ">\n<")

    def moved(text: str, name: str) -> str:
        start = text.index(f"<{name}>")
        end = text.index("\n", start) + 1
        return text[:start] + text[end:].replace(
            "</PaymentApplication>", text[start:end] + "</PaymentApplication>"
        )

    wrong = moved(moved(text, "StYear"), "UseDes").replace("<AppAmount>", "<AppAmount>x")
    faults = validate_file(standard, wrong.encode(), on=ON).faults
    assert [(fault.path, fault.code) for fault in faults] == [
        ("StYear", "standard.order"),
        ("AppAmount", "standard.not-a-number"),
        ("UseDes", "standard.order"),
    ]
    for fault in faults:
        assert wrong.splitlines()[fault.line - 1].startswith(f"<{fault.path}>")
        assert fault.mend_zh and fault.mend_en


def test_an_element_of_another_namespace_is_named_once(standard: Standard) -> None:
    text = standard.build("9001", standard.sample("9001")).decode()
    wrong = text.replace("</HeartBeat>", '<x:Time xmlns:x="urn:x">1</x:Time></HeartBeat>')
    assert found(standard, wrong) == [("Time", "standard.namespace")]


def test_malformed_xml_is_told_with_line_and_column(standard: Standard) -> None:
    (fault,) = validate_file(standard, b"<a>\n <b>\n</a>", "9001", on=ON).faults
    assert (fault.code, fault.line) == ("xml.malformed", 3) and fault.column > 0


@pytest.mark.parametrize(
    ("data", "number", "code"),
    [
        ("{}", "", "standard.unknown-type"),
        ("{}", "9999", "standard.unknown-type"),
        ("[]", "9001", "json.not-an-object"),
        ('{"Time": 1, "Time": 2}', "9001", "json.duplicate-name"),
        ('{"Time": NaN}', "9001", "json.malformed"),
        ('{"Time": ', "9001", "json.malformed"),
        ('{"a":' * 100_000, "9001", "json.too-deep"),
        ('{"Time": "\u4e0a"}'.encode("gbk"), "9001", "json.encoding"),
        ('{"Time": 1}', "9001", "standard.wrong-shape"),
        ("<a>", "9001", "xml.malformed"),
        ("<a/>", "9001", "standard.other-element"),
        ("<a/>", "", "form.unknown"),
        ("<HeartBeat/>", "", "standard.other-element"),
        ('{"Time": ' + "9" * 5000 + "}", "9001", "json.malformed"),
        ("<!DOCTYPE a><a/>", "9001", "xml.dtd"),
        ("", "9001", "xml.malformed"),
    ],
)
def test_a_file_that_is_no_message_is_told_so(
    standard: Standard, data: str | bytes, number: str, code: str
) -> None:
    assert [name for _, name in found(standard, data, number)] == [code]


def test_the_schemas_that_a_file_was_held_against_are_named(standard: Standard) -> None:
    record = standard.sample("3004")
    for data in (json.dumps(standard.to_json("3004", record)).encode(), standard.build("3004", record)):
        judged = validate_file(standard, data, "PaymentApplicationWithdraw", on=ON)
        assert judged.kinds == ["standard/v1/3004-PaymentApplicationWithdraw.xsd"] and not judged.faults
    title = "<TITLE><DATA_NO>500</DATA_NO></TITLE>"
    judged = validate_file(standard, f"<DES>{title}<CONTEXT/></DES>".encode(), on=ON)
    assert judged.kinds == [
        "platforms/construction/DES.xsd",
        "platforms/construction/500-PROJECT.xsd",
    ]
    assert judged.faults and all(fault.mend_zh and fault.mend_en for fault in judged.faults)


@pytest.mark.parametrize(
    "inside",
    [
        "<Invoices>" + "<Invoice/>" * 190_000 + "</Invoices>",
        "<StYear/>" * 190_000,
        "<Abc/>" * 190_000,
        '<x:A xmlns:x="u"/>' * 190_000,
        "".join(f"<A{index}><b/></A{index}>" for index in range(50_000)),
    ],
)
def test_a_file_of_any_number_of_faults_is_explained_within_bounds(standard: Standard, inside: str) -> None:
    """Reading was once in the square of how often an element stands: 79 seconds for two megabytes."""
    data = f'<PaymentApplication xmlns="{NAMESPACE}">{inside}</PaymentApplication>'.encode()
    started = time.process_time()
    found = placed(validate_file(standard, data, on=ON).faults, data)
    assert time.process_time() - started < 5
    assert 10 < len(found) < 70
