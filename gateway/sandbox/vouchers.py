"""Vouchers as the treasury makes and checks them: the rules of Shanghai mode (FACTS.md 2.4), GBK lengths.

A voucher's record is in the voucher's own element names; `number` is the standard's type it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from gateway import clock
from gateway.formats import formats
from gateway.message import Record
from gateway.sandbox.forms import digest_of
from gateway.sandbox.sub import NO_HEAD

INCOMING: dict[str, str] = {"9101": "1001", "9104": "1004", "9402": "4002", "9702": "7002"}
OUTGOING: dict[str, str] = {
    "9802": "8002", "9403": "4003", "9502": "5002", "9603": "6003", "5201": "5001", "2252": "5003",
    "9701": "7001",
}  # fmt: skip
APPLICATION, WITHDRAWAL = "9402", "9304"
_AMOUNT = re.compile(r"[+-]?\d{1,15}\.\d{2}")
_ACCOUNT = re.compile(r"[0-9A-Z-]{1,32}")
_PATTERNS: dict[str, re.Pattern[str]] = {
    "TreCode": re.compile(r"\d{10}"),
    "FinOrgCode": re.compile(r"\d{1,12}"),
    "StYear": re.compile(r"\d{4}"),
    "PayTypeCode": re.compile(r"\d{2,6}"),
    "PayAmt": _AMOUNT,
    "PayAcctNo": _ACCOUNT,
    "PayeeAcctNo": _ACCOUNT,
    "PayeeAcctBankNo": re.compile(r"\d{12}|\d{10}"),
}
# Bytes of GBK in the main part and in details.
_MAIN_BYTES = {"VoucherNo": 20, "PayAcctName": 60, "PayAcctBankName": 60, "PaySummaryName": 200}
_DETAIL_BYTES = {"PayeeAcctName": 120, "PayeeAcctBankName": 60}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A voucher that waits to be polled. `key` is what its idempotency key is made from."""

    vt_code: str
    no: str
    number: str
    biz_key: str
    digest: str
    mof: bytes


def make(vt_code: str, record: Record, biz_key: str, *, flag: str = "0", reason: str = "") -> Outgoing:
    """One voucher in GBK; the envelope's attributes are the record's own."""
    envelope = {name: record[name] for name in ("AdmDivCode", "StYear", "VtCode", "VoucherNo")}
    envelope |= {"VoucherFlag": flag, "Return_Reason": reason}
    mof = formats.get("mof-voucher").encode(record, NO_HEAD, envelope, "Voucher")
    return Outgoing(vt_code, record["VoucherNo"], OUTGOING[vt_code], biz_key, digest_of(vt_code, record), mof)


def head(adm_div: str, vt_code: str, no: str) -> Record:
    """The fields that every voucher begins with."""
    day = clock.d8()
    return {
        "Id": no,
        "AdmDivCode": adm_div,
        "StYear": day[:4],
        "VtCode": vt_code,
        "VouDate": day,
        "VoucherNo": no,
    }


def lines(record: Record) -> list[Record]:
    found: list[Record] = (record.get("DetailList") or {}).get("Detail") or []
    return found


def check(record: Record, envelope: Mapping[str, str], at: datetime) -> list[str]:
    """Every fault of an incoming voucher by the rules of Shanghai mode; [] if it may be taken."""
    faults = [
        f"{name}: the envelope says {envelope[name]}"
        for name in ("AdmDivCode", "StYear", "VtCode", "VoucherNo")
        if record.get(name) != envelope[name]
    ]
    faults += _patterns(record, "")
    faults += _bytes(record, _MAIN_BYTES, "")
    if record.get("StYear", "") > str(at.year):
        faults.append("StYear: later than this year")
    if record.get("VouDate", "") > at.strftime("%Y%m%d"):
        faults.append("VouDate: later than today")
    if record.get("VtCode") == APPLICATION:
        faults += _application(record)
    return faults


def _application(record: Record) -> list[str]:
    faults: list[str] = []
    if record.get("PayTypeCode") != "11":
        faults.append("PayTypeCode: not 11 直接支付")
    if record.get("BusinessTypeCode") not in ("1", "3", "4"):
        faults.append("BusinessTypeCode: not 1, 3 or 4")
    if not record.get("FundTypeCode", "").startswith("1"):
        faults.append("FundTypeCode: does not begin with 1")
    details = lines(record)
    ids = [detail.get("Id", "") for detail in details]
    if not details or len(details) > 499 or len(set(ids)) != len(ids) or "" in ids:
        faults.append("DetailList/Detail: 1 to 499 lines, each with an Id of its own")
    for index, detail in enumerate(details, 1):
        place = f"DetailList/Detail[{index}]/"
        faults += _patterns(detail, place) + _bytes(detail, _DETAIL_BYTES, place)
        if record.get("BusinessTypeCode") == "4" and not detail.get("PayeeAcctBankNo"):
            faults.append(f"{place}PayeeAcctBankNo: a batch must give it")
    return faults + _sum(record, details)


def _sum(record: Record, details: list[Record]) -> list[str]:
    amounts = [str(one.get("PayAmt", "")) for one in (record, *details)]
    if not all(map(_AMOUNT.fullmatch, amounts)):
        return []  # told field by field already
    main, *parts = map(Decimal, amounts)
    if main > 0 and sum(parts, Decimal(0)) == main:
        return []
    return ["PayAmt: not above zero, or not the sum of the details"]


def _patterns(record: Record, place: str) -> list[str]:
    return [
        f"{place}{name}: {record[name]!r} is not as agreed"
        for name, pattern in _PATTERNS.items()
        if name in record and not pattern.fullmatch(record[name])
    ]


def _bytes(record: Record, most: Mapping[str, int], place: str) -> list[str]:
    return [
        f"{place}{name}: more than {size} bytes of GBK"
        for name, size in most.items()
        if len(str(record.get(name, "")).encode("gb18030")) > size
    ]


def cut(text: str, size: int) -> str:
    """At most `size` bytes of GBK, cut on a character's border."""
    return text.encode("gbk", "replace")[:size].decode("gbk", "ignore")


def payment(application: Mapping[str, Any], detail: Record, no: str, paid: Record) -> Record:
    """5201, the treasury's own order for one payee, with the X fields of what the bank did (`paid`)."""
    order = application["record"]
    common = {
        name: order[name]
        for name in (
            "TreCode", "FinOrgCode", "FundTypeCode", "FundTypeName", "BgtTypeCode", "PayTypeCode",
            "PayTypeName", "AgencyCode", "AgencyName", "ExpFuncCode", "ExpFuncName", "SetModeCode",
            "SetModeName", "PayBankCode", "PayBankName", "PayAcctNo", "PayAcctName", "PayAcctBankName",
            "PaySummaryName",
        )
        if order.get(name)
    }  # fmt: skip
    payee = {
        name: detail[name]
        for name in ("PayeeAcctNo", "PayeeAcctName", "PayeeAcctBankName", "PayeeAcctBankNo")
    }
    line = {
        "Id": f"{no}-1",
        "VoucherBillId": no,
        "VoucherBillNo": no,
        "VoucherNo": order["PayAppNo"],
        **{
            name: common[name]
            for name in (
                "FundTypeCode",
                "FundTypeName",
                "AgencyCode",
                "AgencyName",
                "ExpFuncCode",
                "ExpFuncName",
            )
        },
        **payee,
        "PayAmt": detail["PayAmt"],
        **paid,
        "Hold1": detail["TrackingID"],
    }
    x_main = {name: value for name, value in paid.items() if name != "XAddWord"}
    return {
        **head(order["AdmDivCode"], "5201", no),
        **common,
        **payee,
        "PayAmt": detail["PayAmt"],
        "BusinessTypeCode": "1",
        "BusinessTypeName": "单笔",
        **x_main,
        "DetailList": {"Detail": [line]},
    }


def refund(original: Mapping[str, Any], no: str, amount: Decimal, kind: str, reason: str) -> Record:
    """2252 for one paid order; `amount` is positive here and negative in the voucher. Kind 1 single 2 all."""
    order = original["record"]
    line = lines(order)[0]
    payee = {name: line[name] for name in ("PayeeAcctNo", "PayeeAcctName", "PayeeAcctBankName")}
    return {
        **head(order["AdmDivCode"], "2252", no),
        "OriginalVtCode": "5201",
        "OriginalVoucherNo": order["VoucherNo"],
        "PayTypeCode": order["PayTypeCode"],
        **payee,
        "PayAmt": f"{-amount:.2f}",
        "RefundType": kind,
        "PayDate": clock.d8(),
        "PayDictateNo": no[-8:],
        "PayMsgNo": "122",
        "PayEntrustDate": clock.d8(),
        "PaySndBnkNo": line["PayeeAcctBankNo"],
        "Remark": cut(reason, 255),
        "DetailList": {
            "Detail": [
                {
                    "Id": f"{no}-1",
                    "VoucherBillId": no,
                    "VoucherBillNo": no,
                    "VoucherNo": line["VoucherNo"],
                    **payee,
                    "PayAmt": f"{-amount:.2f}",
                    "OriginalDetailId": line["Id"],
                }
            ]
        },
    }
