"""Who calls, where the body carries no seal: an HTTP message signature, or a client certificate.

A signature (RFC 9421) covers method, target, the body's digest and the headers that change what the call
means (On-Behalf-Of, Content-Range), is at most 60 seconds old, and its nonce is used once. Over mTLS the certificate must be one that is registered to a platform: chaining to
a root is not enough. All failures answer alike; what really failed is only in the log.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from xml.sax.saxutils import escape

import orjson
import structlog
from aiohttp import web

from gateway import clock
from gateway.endpoints.bodies import read_body
from gateway.endpoints.world import REFUSAL_HEADERS, EndpointWorld
from gateway.errors import MessageError
from gateway.message import GATEWAY_NODE, Claims
from gateway.security.httpsig import has_digest, sign_time, verify_request
from gateway.security.refusals import StaleCall
from gateway.security.suite import suites
from gateway.settings import Platform

log = structlog.get_logger("endpoints")
MAX_JSON_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated platform. `nonce` is the call's own, "" over mTLS; `content_digest` the header
    value that the signature covers, None if the call has none."""

    platform: Platform
    nonce: str = ""
    content_digest: str | None = None


async def identify(request: web.Request, world: EndpointWorld) -> Caller:
    """The platform that makes this call. MessageError 20001, 20005 (too old), 20006 (nonce reused) or
    limit.rate (429)."""
    if "Signature" in request.headers or "Signature-Input" in request.headers:
        caller: Caller | None = await _by_signature(request, world)
    else:
        caller = _by_certificate(request, world)
    if caller is None:
        raise unknown_caller("neither a signature nor a registered client certificate")
    await world.pressure.check_rate(caller.platform)
    return caller


async def identify_with_body(request: web.Request, world: EndpointWorld) -> tuple[Caller, bytes]:
    """Caller and body of a small call; the body is what the signature's digest covers."""
    caller = await identify(request, world)
    body = await read_body(request, MAX_JSON_BYTES, world.settings.gateway.read_s)
    if caller.nonce and not has_digest(caller.content_digest, body):
        raise unknown_caller("the body is not what was signed")
    return caller, body


async def _by_signature(request: web.Request, world: EndpointWorld) -> Caller:
    target = f"{request.scheme}://{request.host}{request.raw_path}"
    now = clock.now()
    try:
        call = verify_request(request.method, target, request.headers, world.trust, now)
    except StaleCall as late:
        if (known := world.settings.platforms.get(late.platform)) is not None:
            identity = world.identities[known.key_kind]
            request[REFUSAL_HEADERS] = sign_time(late.status, identity, int(now.timestamp()), late.nonce)
        raise
    platform = world.settings.platforms.get(call.platform)
    if platform is None:
        raise unknown_caller(f"{call.platform} is not configured")
    if not await world.store.use_nonce(platform.id, call.nonce, clock.now_ms()):
        raise MessageError.of(
            "signature.replayed",
            "签名随机数已使用",
            "the signature's nonce was used before",
            result="20006",
            status=401,
        )
    return Caller(platform, call.nonce, call.content_digest)


def _by_certificate(request: web.Request, world: EndpointWorld) -> Caller | None:
    tls = request.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    if not der:
        return None
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    found = world.trust.find(thumbprint)
    if found is None:
        raise unknown_caller("the client certificate is registered to no platform")
    platform_id, certificate = found
    world.trust.check(certificate, platform_id, clock.now())
    platform = world.settings.platforms.get(platform_id)
    return Caller(platform) if platform is not None else None


def unknown_caller(cause: str) -> MessageError:
    """20001, the same words for every cause; the cause is for the log."""
    log.info("caller unknown", cause=cause)
    return MessageError.of(
        "signature.invalid",
        "调用方身份验证失败",
        "the caller could not be authenticated",
        result="20001",
    )


def sealed_json(
    world: EndpointWorld, caller: Caller, what: str, value: object, *, status: int = 200
) -> web.Response:
    """A JSON answer, sealed for the caller in its suite. The seal names the call by its nonce, so an
    answer cannot be taken for that of another question."""
    platform = caller.platform
    suite = suites.get(platform.suite)
    claims = Claims(
        sender=GATEWAY_NODE,
        receiver=platform.id,
        msg_type=what,
        idem_key=caller.nonce or "-",  # a claim is never empty; over mTLS the connection binds the answer
        issued_at=clock.now_ms() // 1000,
        jti=secrets.token_hex(16),
        content_type="application/json",
    )
    payload = orjson.dumps(value)
    if suite.name == "wss":
        # WS-Security signs XML elements: the JSON text travels in one.
        payload = f"<Json>{escape(payload.decode())}</Json>".encode()
    data = suite.seal(payload, claims, world.identities[platform.key_kind], world.peers[platform.id])
    return web.Response(
        status=status,
        body=data,
        headers={"Content-Type": suite.content_type, "Cache-Control": "no-store"},
    )
