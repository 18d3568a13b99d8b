"""Whatever bytes arrive, a format answers with a record or with a refusal that has a CT-RESULT code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import HTTP_STATUS, MessageError
from gateway.formats import formats
from gateway.message import Head, Parsed

HEAD = Head(*(["1"] * 15))
DES = {"SYSTEM_NO": "9120", "DATA_NO": "500", "DATA_EN": "PROJECT", "CA_KEY": "1"}
MOF = {"AdmDivCode": "310000", "StYear": "2026", "VtCode": "5201", "VoucherNo": "1"}
VALID = {
    "standard-json": formats.get("standard-json").encode({"A": "中"}, HEAD, {}, ""),
    "standard-xml": formats.get("standard-xml").encode({"A": "中"}, HEAD, {}, "X"),
    "xml": formats.get("xml").encode({"A": ["1", {"@b": "2", "#text": "中"}]}, HEAD, {}, "X"),
    "xml-gbk": formats.get("xml-gbk").encode({"A": "中"}, HEAD, {}, "X"),
    "des": formats.get("des").encode({"A": "中"}, HEAD, DES, ""),
    "mof-voucher": formats.get("mof-voucher").encode({"A": "中"}, HEAD, MOF, ""),
    "json": b'{"A": 1.5, "B": [true, null]}',
    "csv": "A,B\r\n中,2\r\n".encode(),
    "fixed": b"A:2,B:3>\n1   2\n",
}
JUNK = st.sampled_from(
    [b"", b"<", b">", b"&", b"</", b'"', b"\x00", b"\xff", b"\xef\xbb\xbf", b"<![CDATA[", b"<!--", b"]]>", b"<?x?>",
     b"<!DOCTYPE a>", b"&#0;", b"&#x10FFFF;", b"\\u0000", b"{", b"]", b":", b"=", b"\r", b"9" * 400, b"<a>" * 300]
)  # fmt: skip


def check(name: str, data: bytes) -> None:
    try:
        parsed = formats.get(name).decode(data)
    except MessageError as error:
        assert error.result in HTTP_STATUS
        assert all(fault.zh and fault.en and fault.code for fault in error.faults)
    else:
        assert isinstance(parsed, Parsed)


@pytest.mark.parametrize("name", sorted(formats))
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    check(name, data)


@pytest.mark.parametrize("name", sorted(VALID))
@given(at=st.integers(0, 2000), cut=st.integers(0, 12), junk=JUNK)
def test_a_damaged_document_is_read_or_refused(name: str, at: int, cut: int, junk: bytes) -> None:
    data = VALID[name]
    start = at % (len(data) + 1)
    check(name, data[:start] + junk + data[start + cut :])


@pytest.mark.parametrize("name", sorted(VALID))
def test_a_document_cut_off_anywhere_is_read_or_refused(name: str) -> None:
    data = VALID[name]
    for end in range(len(data)):
        check(name, data[:end])
