"""/v1/ops/reconciliations and /v1/ops/checkpoints: reconciled days with their differences, and the evidence logs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from gateway.clock import time_of
from gateway.console.evidence import (
    MOST_CHECKED,
    MOST_RECEIPT_BYTES,
    as_told,
    check_log,
    judge_receipt,
    receipt_keys,
)
from gateway.console.guard import requires
from gateway.console.ops import Call, Parameter, Refused, number_of, told
from gateway.console.reconciliations import STATES, wanted_of
from gateway.console.world import WORLD
from gateway.store.contract import ReconciledDifference, Reconciliation

_MOST = 1000
_MOST_SIZE = 10**15 - 1


@requires("reconciliation.view")
async def show_days(request: web.Request) -> web.Response:
    """Newest day first. `older`: what to give as `before` for the next page; "" at the end."""
    limit, state = number_of(request, "limit", 50, 1, _MOST), request.query.get("state", "")
    if state and state not in STATES:
        raise Refused(422, detail=f"state: expected one of {', '.join(STATES)}")
    rows = await request.app[WORLD].store.reconciliations(limit + 1, wanted_of(request))
    older = f"{rows[limit - 1].day}/{rows[limit - 1].treasury}" if len(rows) > limit else ""
    return told({"reconciliations": [_day(row) for row in rows[:limit]], "older": older})


@requires("reconciliation.view")
async def show_day(request: web.Request) -> web.Response:
    store = request.app[WORLD].store
    day, treasury = request.match_info["day"], request.match_info["treasury"]
    row = await store.reconciliation(day, treasury)
    if row is None:
        raise Refused(404)
    differences = await store.reconciled_differences(day, treasury)
    return told({**_day(row), "differences": [_difference(one) for one in differences]})


def _day(row: Reconciliation) -> dict[str, Any]:
    """Sums in fen."""
    return {**asdict(row), "changed_at": time_of(row.changed_at)}


def _difference(one: ReconciledDifference) -> dict[str, Any]:
    return asdict(one)


@requires("evidence.view")
async def show_checkpoints(request: web.Request) -> web.Response:
    """Of one log (the first without a name), newest first; `older`: what to give as `before`, 0 at the end."""
    store = request.app[WORLD].store
    limit = number_of(request, "limit", 50, 1, _MOST)
    before = number_of(request, "before", 0, 0, _MOST_SIZE)
    logs = await store.evidence_logs()
    log_id = await _log(request)
    rows = await store.checkpoints(log_id, before, limit + 1) if log_id else []
    return told(
        {
            "logs": [asdict(one) for one in logs],
            "log_id": log_id,
            "checkpoints": [as_told(row) for row in rows[:limit]],
            "older": rows[limit - 1].size if len(rows) > limit else 0,
        }
    )


@requires("evidence.view")
async def check_checkpoints(request: web.Request) -> web.Response:
    """Signatures and growth of a log's checkpoints, from `first` leaves on."""
    log_id = await _log(request)
    first = number_of(request, "first", 0, 0, _MOST_SIZE)
    world = request.app[WORLD]
    found = await check_log(world.store, world.settings.certs_dir, log_id, first)
    return told({"log_id": log_id, **asdict(found)})


@requires("evidence.view")
async def verify_receipt(request: web.Request) -> web.Response:
    """The receipt is the body: what it proves, or why it proves nothing."""
    data = await request.read()
    if len(data) > MOST_RECEIPT_BYTES:
        raise Refused(413, detail=f"at most {MOST_RECEIPT_BYTES} bytes")
    known = receipt_keys(request.app[WORLD].settings.certs_dir)
    found = judge_receipt(data, known)
    proved = asdict(found.verified) if found.verified is not None else {}
    return told({"valid": found.verified is not None, "fault": found.fault, "proves": proved})


async def _log(request: web.Request) -> str:
    """The log that is asked for; the first one, "" where there is none."""
    names = [one.log_id for one in await request.app[WORLD].store.evidence_logs()]
    asked = request.query.get("log", "")
    if asked and asked not in names:
        raise Refused(422, detail="log: there is no such log")
    return asked or (names[0] if names else "")


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT, _WHOLE = {"type": "string"}, {"type": "integer"}
_DAY: dict[str, Any] = {
    name: _TEXT if name in ("day", "treasury", "state", "waiting", "changed_at") else _WHOLE
    for name in Reconciliation.__slots__
}
_DIFFERENCE = _object(
    **{
        name: _WHOLE if name in ("number", "here_fen", "there_fen") else _TEXT
        for name in ReconciledDifference.__slots__
    }
)
_CHECKPOINT = _object(
    **dict.fromkeys(("format", "log_id", "root", "key_id", "signature", "text"), _TEXT), size=_WHOLE, signed_at=_WHOLE
)  # fmt: skip
_LOG = Parameter("log", "存证日志", "the evidence log; without it the first")
_LIMIT = Parameter("limit", "条数", "how many", {"type": "integer", "minimum": 1, "maximum": _MOST})
CALLS = (
    Call(
        "GET", "/reconciliations", show_days, "对账结果，最新在前", "Reconciled days, newest first",
        _object(reconciliations=_list(_object(**_DAY)), older=_TEXT),
        (
            Parameter("state", "状态", "agreed, different or waiting", {"type": "string", "enum": list(STATES)}),
            Parameter("treasury", "支付平台", "of this treasury"),
            Parameter("before", "上一页的 older", "`older` of the page before"),
            _LIMIT,
        ),
    ),
    Call(
        "GET", "/reconciliations/{day}/{treasury}", show_day, "一日对账及其差异", "One day with its differences; sums in fen",
        _object(**_DAY, differences=_list(_DIFFERENCE)),
        (Parameter("day", "日期 yyyyMMdd", "the day, yyyyMMdd"), Parameter("treasury", "支付平台", "the treasury")),
    ),
    Call(
        "GET", "/checkpoints", show_checkpoints, "存证检查点，最新在前", "Checkpoints of an evidence log, newest first",
        _object(
            logs=_list(_object(log_id=_TEXT, size=_WHOLE)), log_id=_TEXT, checkpoints=_list(_CHECKPOINT), older=_WHOLE
        ),
        (_LOG, Parameter("before", "上一页的 older", "`older` of the page before", _WHOLE), _LIMIT),
    ),
    Call(
        "GET", "/checkpoints/check", check_checkpoints, "校验检查点",
        f"Verify checkpoints: signatures, and that each grew out of the one before; at most {MOST_CHECKED}",
        _object(log_id=_TEXT, checked=_WHOLE, size=_WHOLE, root=_TEXT, fault=_TEXT, broken_size=_WHOLE),
        (_LOG, Parameter("first", "从报文数", "from so many messages on", _WHOLE)),
    ),
    Call(
        "POST", "/receipts/verify", verify_receipt, "验证回执", "Verify a receipt",
        _object(valid={"type": "boolean"}, fault=_TEXT, proves={"type": "object"}), (), {"type": "object"},
    ),
)  # fmt: skip
