"""/v1/ops/messages/{id}/…: what the page of one message shows beside its attempts, made by the same functions, masked alike."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from aiohttp import web

from gateway.clock import time_of
from gateway.console import proof
from gateway.console.curls import curl_of
from gateway.console.guard import requires
from gateway.console.lineages import FormLeaves
from gateway.console.onemessage import forms_of, leaves_of, related, signer
from gateway.console.ops import Call, Parameter, Refused, told
from gateway.console.opsmessages import MESSAGE
from gateway.console.opsschema import FLAG, NUMBER, TEXT, list_, numbers, object_, texts
from gateway.console.timeline import Line, timeline
from gateway.console.told import brief
from gateway.console.world import WORLD, ConsoleWorld
from gateway.evidence import make_receipt
from gateway.store.contract import DeliveryRow, MessageRow


async def _get(request: web.Request) -> MessageRow:
    row = await request.app[WORLD].store.get_message(request.match_info["id"])
    if row is None:
        raise Refused(404)
    return row


async def _deliveries(world: ConsoleWorld, row: MessageRow) -> list[DeliveryRow]:
    masker = world.masker(row)
    return [world.masked_delivery(one, masker) for one in await world.store.deliveries(row.id)]


@requires("messages.view")
async def show_timeline(request: web.Request) -> web.Response:
    """In the order of time: the stages of the intake, what happened, each attempt."""
    world, row = request.app[WORLD], await _get(request)
    deliveries = await _deliveries(world, row)
    attempts = {one.id: await world.store.attempts(one.id) for one in deliveries}
    lines = timeline(row, await world.store.events(row.id), deliveries, attempts, world.masker(row))
    return told({"timeline": [_line(one) for one in lines]})


def _line(one: Line) -> dict[str, Any]:
    return {
        "at": time_of(one.at), "at_ms": one.at, "took_us": one.took_us, "stage": one.stage, "text": one.text,
        "receiver": one.node, "state": one.state, "number": one.number,
    }  # fmt: skip


@requires("messages.view")
async def show_forms(request: web.Request) -> web.Response:
    """The sender's form, the standard's, each receiver's, the answer: as text, masked, long ones cut.
    `fault`: why there is no text."""
    world, row = request.app[WORLD], await _get(request)
    deliveries, masker = await _deliveries(world, row), world.masker(row)
    leaves = await leaves_of(world, row, deliveries, masker)
    forms = forms_of(world, row, deliveries, masker, leaves)
    return told(
        {"forms": [{"id": one.id, "text": one.text, "cut": one.cut, "fault": one.fault} for one in forms]}
    )


@requires("messages.view")
async def show_lineage(request: web.Request) -> web.Response:
    """Leaf by leaf, what each was made of; no form where the message is too large to trace or was purged."""
    world, row = request.app[WORLD], await _get(request)
    found = await leaves_of(world, row, await _deliveries(world, row), world.masker(row))
    return told({"forms": [_leaves(one) for one in found]})


def _leaves(form: FormLeaves) -> dict[str, Any]:
    return {
        "id": form.id, "node": form.node, "of": form.of, "mapping": form.mapping, "made_by": form.made_by,
        "fault": form.fault, "cut": form.is_cut, "leaves": [asdict(one) for one in form.leaves],
    }  # fmt: skip


@requires("messages.view")
async def show_related(request: web.Request) -> web.Response:
    """Of the same application, in the order of time; and the one that it answers."""
    world = request.app[WORLD]
    rows = await related(world, await _get(request))
    return told({"messages": [brief(one, world.masker(one)) for one in rows]})


@requires("messages.view")
async def show_signature(request: web.Request) -> web.Response:
    """The seal was verified when the message was received; whose certificate it was, where that is still there."""
    row = await _get(request)
    key = await signer(request.app[WORLD], row)
    return told(
        {
            "signed": bool(row.cert), "suite": row.suite, "thumbprint": row.cert,
            "subject": key.subject if key else "", "kind": key.kind if key else "",
            "until": key.until if key else "", "days_left": key.days_left if key else 0,
        }
    )  # fmt: skip


@requires("messages.view")
async def show_curls(request: web.Request) -> web.Response:
    """How each delivery is sent, without keys and content; "" where it is not posted."""
    world, row = request.app[WORLD], await _get(request)
    platforms = world.settings.platforms
    return told(
        {
            "deliveries": [
                {
                    "id": one.id, "receiver": one.receiver,
                    "kind": platforms[one.receiver].connector.kind, "url": platforms[one.receiver].connector.url,
                    "curl": curl_of(platforms[one.receiver], one),
                }
                for one in await world.store.deliveries(row.id)
                if one.receiver in platforms
            ]
        }
    )  # fmt: skip


@requires("evidence.view")
async def show_proof(request: web.Request) -> web.Response:
    """Checked now: is what is stored what the receipt tells of, and does the receipt hold?"""
    world, row = request.app[WORLD], await _get(request)
    found = await asyncio.to_thread(proof.check, world.settings, row)
    return told({"holds": found.holds, "steps": [asdict(one) for one in found.steps]})


@requires("evidence.view")
async def show_receipt(request: web.Request) -> web.Response:
    """As `gateway evidence verify` takes it: digests and ids, nothing of the content. 404 while it has no place."""
    row = await _get(request)
    if row.place is None:
        raise Refused(404)
    return told(make_receipt(row))


_ID = (Parameter("id", "网关编号", "message id"),)
_LINE = object_(**texts("at", "stage", "text", "receiver", "state"), **numbers("at_ms", "took_us", "number"))
_FORM = object_(**texts("id", "text", "fault"), cut=FLAG)
_LEAF = object_(
    **texts("path", "name"), depth=NUMBER, value={"type": ["string", "null"]}, sources=list_(TEXT),
    steps=list_(TEXT),
)  # fmt: skip
_LEAVES = object_(**texts("id", "node", "of", "mapping", "made_by", "fault"), cut=FLAG, leaves=list_(_LEAF))
_SIGNED = object_(**texts("suite", "thumbprint", "subject", "kind", "until"), signed=FLAG, days_left=NUMBER)
_CURL = object_(**texts("receiver", "kind", "url", "curl"), id=NUMBER)
_CHECKPOINT = object_(**texts("root", "key_id", "signature"), **numbers("size", "signed_at"))
CALLS = (
    Call(
        "GET", "/messages/{id}/timeline", show_timeline, "一份报文的时间线", "One message's stages and attempts with how long they took",
        object_(timeline=list_(_LINE)), _ID,
    ),
    Call(
        "GET", "/messages/{id}/forms", show_forms, "报文的各种形式（已脱敏）", "Its forms as text, masked",
        object_(forms=list_(_FORM)), _ID,
    ),
    Call(
        "GET", "/messages/{id}/lineage", show_lineage, "各形式逐项的来源", "Its forms leaf by leaf, and what each was made of",
        object_(forms=list_(_LEAVES)), _ID,
    ),
    Call(
        "GET", "/messages/{id}/signature", show_signature, "签名与证书", "Who signed it, with which certificate", _SIGNED, _ID,
    ),
    Call(
        "GET", "/messages/{id}/related", show_related, "相关报文", "Messages of the same application, and the one it answers",
        object_(messages=list_(object_(**MESSAGE))), _ID,
    ),
    Call(
        "GET", "/messages/{id}/curls", show_curls, "投递的 curl 命令", "Its deliveries as curl, without keys and content",
        object_(deliveries=list_(_CURL)), _ID,
    ),
    Call(
        "GET", "/messages/{id}/proof", show_proof, "校验存证", "Its receipt, checked now",
        object_(holds=FLAG, steps=list_(object_(**texts("name", "verdict", "why")))), _ID,
    ),
    Call(
        "GET", "/messages/{id}/evidence", show_receipt, "存证回执", "Its receipt, as `gateway evidence verify` takes it",
        object_(format=TEXT, message={"type": "object"}, log_id=TEXT, index=NUMBER, path=list_(TEXT), checkpoint=_CHECKPOINT), _ID,
    ),
)  # fmt: skip
