"""What one may ask of the message log: one table of fields for the pages, the JSON API and the command line.

All fields stand in an address as they are typed, so that an address can be shared and kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from gateway import clock
from gateway.errors import GatewayError
from gateway.message import MessageState
from gateway.store.contract import MessageFilter

STATES = tuple(str(state) for state in MessageState)
_MOST_CHARS = 128


@dataclass(frozen=True, slots=True)
class Field:
    """`name` in addresses; `zh`, `en`: what it asks for. `form`: text, time, day's end, state, or yuan."""

    name: str
    zh: str
    en: str
    form: str = "text"


FIELDS = (
    Field("text", "自由文本：名称、编号、主键", "free text: names, numbers, keys"),
    Field("application", "支付申请编号", "application number"),
    Field("type", "报文类型", "message type"),
    Field("sender", "发送方", "sending platform"),
    Field("receiver", "接收方", "receiving platform"),
    Field("state", "状态", "state", "state"),
    Field("contract", "合同编号（含其支付申请的报文）", "contract number; its applications' messages too"),
    Field("deal", "统一交易标识码", "unified deal code; its contracts' and applications' messages too"),
    Field(
        "company",
        "单位名称或代码（含其支付申请的报文）",
        "company, by name or code; its applications' messages too",
    ),
    Field("id", "网关编号", "message id"),
    Field("key", "幂等键", "idempotency key"),
    Field("least", "金额（元）不低于", "amount in yuan, at least", "yuan"),
    Field("most", "金额（元）不高于", "amount in yuan, at most", "yuan"),
    Field("code", "失败投递的错误码", "error code of a delivery that failed"),
    Field("since", "接收时间自", "received at or after", "time"),
    Field("until", "接收时间至（仅写日期则含当日）", "received before; a bare day counts whole", "end"),
)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?")


_YUAN = re.compile(r"(\d{1,13})(?:\.(\d{1,2}))?")
_NAMES = {"least": "least_fen", "most": "most_fen"}  # where a filter has another


class AskFault(GatewayError):
    """A field that cannot be read. `name`: which; `found`: what was there."""

    def __init__(self, name: str, found: str):
        self.name, self.found = name, found
        super().__init__(f"{name}: cannot read {found!r}")


def asked(given: Mapping[str, str]) -> dict[str, str]:
    """The fields of an address, cut to what may be; those that are empty are left out."""
    told = {field.name: given.get(field.name, "").strip()[:_MOST_CHARS] for field in FIELDS}
    return {name: value for name, value in told.items() if value}


def filter_of(told: Mapping[str, str], *, limit: int, before: str = "") -> MessageFilter:
    """`told` as `asked` gives it. AskFault for what is no time, state or amount."""
    values: dict[str, str | int] = {}
    for field in FIELDS:
        value = told.get(field.name, "")
        if value:
            values[_NAMES.get(field.name, field.name)] = _read(field, value)
    return MessageFilter(**values, limit=limit, before=before[:32])  # type: ignore[arg-type]


def address(told: Mapping[str, str], **more: str) -> str:
    """The query string of a search, by the order of the fields; `more` after them."""
    in_order = {field.name: told[field.name] for field in FIELDS if told.get(field.name)}
    return urlencode(in_order | {name: value for name, value in more.items() if value})


def _read(field: Field, value: str) -> str | int:
    if field.form == "state" and value not in STATES:
        raise AskFault(field.name, value)
    if field.form in ("time", "end"):
        return _moment(field, value)
    return _fen(field, value) if field.form == "yuan" else value


def _fen(field: Field, value: str) -> int:
    """Of `1,234.5` yuan; nothing below a fen."""
    found = _YUAN.fullmatch(value.replace(",", ""))
    if found is None:
        raise AskFault(field.name, value)
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def _moment(field: Field, value: str) -> int:
    """Milliseconds of a Shanghai time: `2024-07-01`, `2024-07-01 10:00`, `2024-07-01T10:00:30`."""
    found = _TIME.fullmatch(value)
    if found is None:
        raise AskFault(field.name, value)
    year, month, day, hour, minute, second = found.groups()
    try:
        moment = clock.parse_t(f"{year}{month}{day}{hour or '00'}{minute or '00'}{second or '00'}")
    except ValueError as error:
        raise AskFault(field.name, value) from error
    if field.form == "end" and hour is None:
        moment += timedelta(days=1)
    return int(moment.timestamp() * 1000)
