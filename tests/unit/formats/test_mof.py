"""MOF vouchers: GBK, Base64, batches, and attachments in blocks."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import MessageError
from gateway.formats import (
    formats,
    join,
    join_file_blocks,
    read_file_block,
    split,
    voucher_file_blocks,
)
from gateway.formats.mof import MAX_LINES
from gateway.formats.voucher_files import BLOCK_BYTES, VoucherFileBlocks
from gateway.message import Head

MOF = formats.get("mof-voucher")
ENVELOPE = {"AdmDivCode": "310000000", "StYear": "2026", "VtCode": "5201", "VoucherNo": "V001"}
RECORD: dict[str, Any] = {
    "Id": "1",
    "PayeeAcctName": "上海公路养护有限公司",
    "PayAmt": "100.00",
    "DetailList": {"Detail": [{"Id": "1", "PayAmt": "100.00"}]},
}
INNER = "<Voucher><Id>1</Id><PayeeAcctName>上海</PayeeAcctName></Voucher>"


def outer(*inners: bytes, count: str = "", attributes: str = "", flag: str = "0") -> bytes:
    attributes = attributes or 'AdmDivCode="310000" StYear="2026" VtCode="5201" VoucherNo="{}"'
    bodies = "".join(
        f"<VoucherBody {attributes.format(index)}><VoucherFlag>{flag}</VoucherFlag><Return_Reason>退</Return_Reason>"
        f"<Attach/><Voucher>{base64.b64encode(inner).decode()}</Voucher></VoucherBody>"
        for index, inner in enumerate(inners, 1)
    )
    number = count or str(len(inners))
    text = f'<?xml version="1.0" encoding="GBK"?><MOF><VoucherCount>{number}</VoucherCount>{bodies}</MOF>'
    return text.encode("gbk")


def refused(data: bytes) -> MessageError:
    with pytest.raises(MessageError) as caught:
        MOF.decode(data)
    return caught.value


def test_a_voucher_reads_as_it_was_written(head: Head) -> None:
    parsed = MOF.decode(MOF.encode(RECORD, head, ENVELOPE, "Voucher"))
    assert parsed.record == RECORD
    assert parsed.envelope == {**ENVELOPE, "VoucherFlag": "0", "Return_Reason": "", "Attach": ""}
    assert (parsed.own_type, parsed.root) == ("5201", "Voucher")


def test_the_inner_voucher_is_gbk_without_a_declaration(head: Head) -> None:
    data = MOF.encode(RECORD, head, ENVELOPE, "")
    text = data.decode("gbk").partition("<Voucher>")[2].partition("</Voucher>")[0]
    inner = base64.b64decode(text).decode("gbk")
    assert inner.startswith("<Voucher><Id>1</Id><PayeeAcctName>上海公路")


def test_the_key_is_made_of_the_vouchers_keys_flag_and_content() -> None:
    inner = INNER.encode("gbk")
    parsed = MOF.decode(outer(inner, flag="1"))
    content = hashlib.new("sm3", inner).hexdigest()
    key = hashlib.new("sm3", f"310000|2026|5201|1|1|{content}".encode()).hexdigest()
    assert parsed.head == {"IdemKey": key, "MsgId": key[:32], "AdmDivCode": "310000", "StYear": "2026"}
    assert parsed.envelope["Return_Reason"] == "退"


def test_one_detail_is_a_list_of_one() -> None:
    inner = "<Voucher><DetailList><Detail><Id>1</Id></Detail></DetailList></Voucher>".encode("gbk")
    assert MOF.decode(outer(inner)).record == {"DetailList": {"Detail": [{"Id": "1"}]}}


def test_an_inner_declaration_and_line_breaks_in_base64_are_taken() -> None:
    inner = b'<?xml version="1.0" encoding="UTF-8"?>' + INNER.encode()
    text = base64.encodebytes(inner).decode()
    data = outer(b"x").replace(base64.b64encode(b"x"), text.encode())
    assert MOF.decode(data).record["PayeeAcctName"] == "上海"


def test_an_amount_of_lines_beyond_the_bound_is_refused_both_ways(head: Head) -> None:
    lines = {"DetailList": {"Detail": [{"Id": str(index)} for index in range(MAX_LINES + 1)]}}
    with pytest.raises(MessageError) as caught:
        MOF.encode(lines, head, ENVELOPE, "")
    assert caught.value.faults[0].code == "mof.too-many-lines"
    inner = (
        "<Voucher><DetailList>" + "<Detail><Id>1</Id></Detail>" * (MAX_LINES + 1) + "</DetailList></Voucher>"
    )
    assert refused(outer(inner.encode())).faults[0].code == "mof.too-many-lines"
    lines["DetailList"]["Detail"].pop()
    assert len(MOF.decode(MOF.encode(lines, head, ENVELOPE, "")).record["DetailList"]["Detail"]) == MAX_LINES


def test_a_character_outside_gbk_is_named_with_its_field(head: Head) -> None:
    with pytest.raises(MessageError) as caught:
        MOF.encode({"DetailList": {"Detail": [{"A": "好"}, {"A": "𠮷"}]}}, head, ENVELOPE, "")
    fault = caught.value.faults[0]
    assert (fault.result, fault.path, fault.found) == ("30008", "DetailList/Detail[2]/A", "𠮷")
    with pytest.raises(MessageError) as caught:
        MOF.encode(RECORD, head, {**ENVELOPE, "Return_Reason": "䶮"}, "")
    assert caught.value.faults[0].path == "Return_Reason"


def test_a_missing_key_of_the_envelope_is_named(head: Head) -> None:
    with pytest.raises(MessageError) as caught:
        MOF.encode(RECORD, head, {"StYear": "2026", "VtCode": "5201"}, "")
    assert [fault.path for fault in caught.value.faults] == [
        "MOF/VoucherBody/AdmDivCode",
        "MOF/VoucherBody/VoucherNo",
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (outer(), "mof.count"),
        (outer(b"<Voucher/>", b"<Voucher/>"), "mof.count"),
        (outer(b"<Voucher/>", count="2"), "mof.count"),
        (outer(*[b"<Voucher/>"] * 101), "mof.count"),
        (outer(b"<X/>"), "mof.not-a-voucher"),
        (outer(b"<Voucher><A>"), "xml.malformed"),
        (outer(b'<!DOCTYPE V [<!ENTITY a "b">]><Voucher>&a;</Voucher>'), "xml.dtd"),
        (outer(b"<Voucher>" + b"<a>" * 40 + b"</a>" * 40 + b"</Voucher>"), "xml.too-deep"),
        (outer(b"<Voucher>word<A/></Voucher>"), "xml.mixed-content"),
        (outer(b"<Voucher>\xff\xff</Voucher>"), "xml.encoding"),
        (outer(b"<Voucher/>").replace(b"PFZv", b"P!Zv"), "mof.base64"),
        (outer(b"<Voucher/>").replace(b"PFZv", b"!!!!PFZv"), "mof.base64"),
        (outer(b"<Voucher/>", attributes='StYear="2026"'), "mof.envelope"),
        (outer(b"<Voucher/>", flag="7"), "mof.envelope"),
        (b"<X/>", "mof.not-an-envelope"),
        (b"<MOF><VoucherCount>1</VoucherCount><Y/></MOF>", "mof.not-an-envelope"),
    ],
)
def test_what_is_not_a_voucher_is_refused(data: bytes, code: str) -> None:
    assert refused(data).faults[0].code == code


def test_split_and_join_are_inverse_and_keep_the_inner_bytes() -> None:
    inners = [f"<Voucher><Id>{index}</Id><N>昇</N></Voucher>".encode("gbk") for index in range(3)]
    batch = outer(*inners)
    singles = split(batch)
    assert [MOF.decode(single).record["Id"] for single in singles] == ["0", "1", "2"]
    assert split(join(singles)) == singles
    assert MOF.decode(outer(inners[0])).head == MOF.decode(singles[0]).head


def test_a_batch_is_bounded() -> None:
    assert len(split(outer(*[b"<Voucher/>"] * 100))) == 100
    with pytest.raises(MessageError):
        split(outer(*[b"<Voucher/>"] * 101))


def test_one_broken_voucher_does_not_stop_the_others() -> None:
    singles = split(outer(b"<Voucher><A>", b"<Voucher><A>1</A></Voucher>"))
    assert refused(singles[0]).result == "10001"
    assert MOF.decode(singles[1]).record == {"A": "1"}


def test_a_tips_message_is_not_a_voucher(real_file: Callable[[str], bytes]) -> None:
    data = real_file("treasury/cfx-5101-gbk.xml")
    assert refused(data).faults[0].code == "mof.not-an-envelope"
    parsed = formats.get("xml").decode(data)
    assert parsed.own_type == "CFX"
    assert parsed.record["MSG"]["Bill5101"][0]["PayerName"] == "金华市财政局"


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES, BLOCK_BYTES + 1])
def test_a_file_is_cut_and_put_together_again(size: int) -> None:
    content = bytes(index % 251 for index in range(251)) * (size // 251 + 1)
    content = content[:size]
    chunks = [content[start : start + 700_001] for start in range(0, size, 700_001)]
    blocks = [read_file_block(block) for block in voucher_file_blocks("发票.ofd", "9402", "V1", chunks, size)]
    assert len(blocks) == max(1, -(-size // BLOCK_BYTES))
    assert [(block.index, block.count) for block in blocks] == [
        (n, len(blocks)) for n in range(1, len(blocks) + 1)
    ]
    assert join_file_blocks(reversed(blocks)) == ("发票.ofd", content)


def test_a_file_that_is_longer_or_shorter_than_promised_is_an_error() -> None:
    with pytest.raises(ValueError, match="longer"):
        VoucherFileBlocks("a", "9402", "V1", 3).feed(b"1234")
    cut = VoucherFileBlocks("a", "9402", "V1", 3)
    cut.feed(b"12")
    with pytest.raises(ValueError, match="ended after 2 of 3"):
        cut.finish()


def test_missing_repeated_or_malformed_blocks_are_refused() -> None:
    content = b"x" * (BLOCK_BYTES + 1)
    blocks = [
        read_file_block(block) for block in voucher_file_blocks("a", "9402", "V1", [content], len(content))
    ]
    for wrong in (blocks[:1], [blocks[0], *blocks], []):
        with pytest.raises(MessageError) as caught:
            join_file_blocks(wrong)
        assert caught.value.result == "30010"
    for text in (
        "<File/>",
        "<X/>",
        "<File><FileBlockCount>1</FileBlockCount><AfewBlock>2</AfewBlock></File>",
    ):
        with pytest.raises(MessageError):
            read_file_block(text.encode())
