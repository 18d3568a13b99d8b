"""Requests to and answers of the voucher store, as bytes."""

from __future__ import annotations

import base64

import pytest
from lxml import etree

from gateway.connectors.exchange import Exchange
from gateway.connectors.voucher import read_voucher
from gateway.connectors.voucher_store import NAMESPACE, StoreRefusal, envelope, read_reply
from gateway.errors import DeliveryError

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def answer(inner: str, status: int = 200) -> Exchange:
    text = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{inner}</s:Body></s:Envelope>'
    return Exchange(status, "text/xml", text.encode())


def fault(text: str, status: int = 500) -> Exchange:
    return answer(
        f"<s:Fault><faultcode>s:Client</faultcode><faultstring>{text}</faultstring></s:Fault>", status
    )


def returned(inner: str, operation: str = "writeVoucher") -> str:
    return f'<{operation}Response xmlns="{NAMESPACE}"><return>{inner}</return></{operation}Response>'


def test_a_request_repeats_the_element_of_a_list_and_escapes_texts() -> None:
    root = etree.fromstring(envelope("confirmVoucher", [("certID", "a<b&c"), ("voucherNo", ["1", "2"])]))
    call = root.find(f"{{{SOAP}}}Body/{{{NAMESPACE}}}confirmVoucher")
    assert call is not None
    assert [(etree.QName(one).localname, one.text) for one in call] == [
        ("certID", "a<b&c"),
        ("voucherNo", "1"),
        ("voucherNo", "2"),
    ]


def test_a_map_is_read() -> None:
    entries = (
        "<entry><key>EVS</key><value>EVS000</value></entry><entry><key>text</key><value>好</value></entry>"
    )
    reply = read_reply("writeVoucher", answer(returned(entries)))
    assert (reply.code, reply.text) == ("EVS000", "好")


def test_bytes_are_read_and_an_absent_return_is_nothing() -> None:
    sealed = base64.b64encode(b"\x30\x03abc").decode()
    assert read_reply("readVoucher", answer(returned(sealed, "readVoucher"))).data == b"\x30\x03abc"
    assert read_reply("readVoucher", answer(f'<readVoucherResponse xmlns="{NAMESPACE}"/>')).data == b""


@pytest.mark.parametrize(
    ("exchange", "evs", "permanent", "unknown"),
    [
        (fault("EVS100#参数不合法"), "EVS100", True, False),
        (fault("EVS700#业务逻辑不合法:凭证已签收"), "EVS700", True, False),
        (fault("EVS900#系统繁忙"), "EVS900", False, True),
        (fault("EVS100#参数不合法：签名", 401), "EVS100", False, False),
        (fault("java.lang.NullPointerException"), "EVS", False, True),
        (answer(returned("<entry><key>EVS</key><value>EVS700</value></entry>")), "EVS700", True, False),
    ],
)
def test_a_refusal_is_final_only_for_codes_that_say_so(
    exchange: Exchange, evs: str, permanent: bool, unknown: bool
) -> None:
    with pytest.raises(StoreRefusal) as caught:
        read_reply("writeVoucher", exchange)
    error = caught.value
    assert (error.evs, error.permanent, error.unknown) == (evs, permanent, unknown)


@pytest.mark.parametrize(
    ("exchange", "unknown"),
    [
        (Exchange(200, "text/html", b"<html>hello</html>"), True),
        (Exchange(200, "text/xml", b"\x00\x01"), True),
        (Exchange(502, "text/html", b"bad gateway"), True),
        (Exchange(503, "text/html", b"later", 7.0), False),
        (Exchange(401, "text/html", b"no"), False),
        (answer(returned("", "sendVoucher")), True),
        (answer(returned("!!!", "writeVoucher")), True),
    ],
)
def test_what_is_no_answer_is_never_final(exchange: Exchange, unknown: bool) -> None:
    with pytest.raises(DeliveryError) as caught:
        read_reply("writeVoucher", exchange)
    assert (caught.value.permanent, caught.value.unknown) == (False, unknown)


def test_a_form_names_its_voucher() -> None:
    form = '<MOF><VoucherBody AdmDivCode="310000" StYear="2026" VtCode="9402" VoucherNo="V1"/></MOF>'
    voucher = read_voucher(form.encode())
    assert (voucher.vt_code, voucher.st_year, voucher.number) == ("9402", "2026", "V1")


@pytest.mark.parametrize("form", [b"<MOF/>", b"nonsense", b"<MOF><VoucherBody VtCode='1'/></MOF>"])
def test_a_form_without_a_numbered_voucher_is_a_dead_letter(form: bytes) -> None:
    with pytest.raises(DeliveryError) as caught:
        read_voucher(form)
    assert caught.value.permanent
