"""POST /soap/v1: the same intake for SOAP platforms, 1.1 and 1.2. GET /soap/v1?wsdl: the description.

Two ways in. A message with a WS-Security header is the sealed message itself (suite wss). A platform of
another suite that can only speak SOAP calls the operation Submit with its sealed bytes in Base64; the
sealed reply comes back the same way. What could not be authenticated gets an unsealed Fault.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from xml.sax.saxutils import escape

import structlog
from aiohttp import web
from lxml import etree

from gateway import xmltree
from gateway.endpoints.bodies import read_body
from gateway.endpoints.problem import SOAP11, SOAP12, SOAP_TYPE, busy, incident, soap_response
from gateway.endpoints.tracing import trace_of
from gateway.endpoints.world import WORLD, EndpointWorld
from gateway.errors import MessageError
from gateway.intake import Call
from gateway.replies import Reply
from gateway.store.contract import StoreUnavailable

log = structlog.get_logger("endpoints")
NAMESPACE = "urn:sh-ggzy-czzf:gateway:1.0"
_WSSE = b"oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSDL = (Path(__file__).parent / "static" / "gateway.wsdl").read_text(encoding="utf-8")
_NAMESPACES = {media: namespace for namespace, media in SOAP_TYPE.items()}


def add(app: web.Application) -> None:
    app.router.add_post("/soap/v1", submit)
    app.router.add_get("/soap/v1", describe)


async def submit(request: web.Request) -> web.StreamResponse:
    namespace = _NAMESPACES.get(request.content_type, SOAP12)
    try:
        return await _submit(request, namespace)
    except MessageError as error:
        return soap_response(error, namespace)
    except web.HTTPException:
        raise
    except StoreUnavailable:
        log.exception("store unavailable", path=request.path)
        return soap_response(busy(), namespace)
    except Exception:  # noqa: BLE001 - a SOAP caller must get a Fault for our own faults too; logged there
        return soap_response(incident(request.path), namespace)


async def _submit(request: web.Request, namespace: str) -> web.Response:
    world = request.app[WORLD]
    if request.content_type not in _NAMESPACES:
        raise MessageError.of(
            "http.content-type",
            f"不支持的 Content-Type {request.content_type}",
            f"Content-Type {request.content_type} is neither SOAP 1.1 nor SOAP 1.2",
            result="10001",
            status=415,
        )
    world.pressure.check()
    with world.pressure.holding(request.content_length, world.settings.gateway.max_body_bytes):
        return await _receive(request, world, namespace)


async def _receive(request: web.Request, world: EndpointWorld, namespace: str) -> web.Response:
    limits = world.settings.gateway
    data = await read_body(request, limits.max_body_bytes, limits.read_s)
    traceparent = trace_of(request)
    if _WSSE in data:
        transport = "soap-1.1" if namespace == SOAP11 else "soap-1.2"
        reply = await world.intake.receive(Call(data, "wss", "", "", transport, traceparent=traceparent))
        return _answer(reply, reply.data, namespace)
    suite, sealed = _read_submit(data, namespace)
    # The content inside is the platform's own form, so its acknowledgement is too: that is what "rest" means.
    reply = await world.intake.receive(Call(sealed, suite, "", "", "soap-sealed", traceparent=traceparent))
    return _answer(reply, _wrap(reply, namespace), namespace)


def _read_submit(data: bytes, namespace: str) -> tuple[str, bytes]:
    """(suite, sealed bytes) of the operation Submit."""
    root = xmltree.parse(data)
    if root.tag != f"{{{namespace}}}Envelope":
        raise _malformed(
            "Envelope", "不是所声明版本的 SOAP 信封", "not a SOAP envelope of the declared version"
        )
    call = root.find(f"{{{namespace}}}Body/{{{NAMESPACE}}}Submit")
    if call is None:
        raise MessageError.of(
            "seal.missing", "报文未封装", "the message is not sealed", result="20001", path="Envelope/Body"
        )
    suite = _text(call, "Suite")
    if suite not in ("jose", "gm"):
        raise _malformed("Submit/Suite", f"封装套件应为 jose 或 gm，实为 {suite[:20]}", "Suite is jose or gm")
    try:
        return suite, base64.b64decode("".join(_text(call, "Sealed").split()), validate=True)
    except binascii.Error as error:
        raise _malformed("Submit/Sealed", "Sealed 不是 Base64", "Sealed is not Base64") from error


def _text(call: etree._Element, name: str) -> str:
    return (call.findtext(f"{{{NAMESPACE}}}{name}") or "").strip()


def _malformed(path: str, zh: str, en: str) -> MessageError:
    return MessageError.of("soap.malformed", zh, en, result="10001", path=path)


def _wrap(reply: Reply, namespace: str) -> bytes:
    replayed = "1" if reply.headers.get("Idempotency-Replayed") else "0"
    sealed = base64.b64encode(reply.data).decode()
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{namespace}"><s:Body>'
        f'<SubmitResponse xmlns="{NAMESPACE}"><Status>{reply.status}</Status><Replayed>{replayed}</Replayed>'
        f"<ContentType>{reply.content_type}</ContentType><Sealed>{sealed}</Sealed></SubmitResponse>"
        "</s:Body></s:Envelope>"
    ).encode()


def _answer(reply: Reply, data: bytes, namespace: str) -> web.Response:
    """SOAP has no 202: a reply with a body is 200. A sealed refusal keeps its status (1.1 wants 500)."""
    status = reply.status
    if status < 300 or reply.content_type not in SOAP_TYPE.values():
        status = 200
    elif namespace == SOAP11:
        status = 500
    headers = {**reply.headers, "Content-Type": f"{SOAP_TYPE[namespace]}; charset=utf-8"}
    return web.Response(status=status, body=data, headers={**headers, "Cache-Control": "no-store"})


async def describe(request: web.Request) -> web.Response:
    """The WSDL, with the address under which it was asked for."""
    if "wsdl" not in {name.lower() for name in request.query}:
        raise web.HTTPMethodNotAllowed("GET", ["POST"])
    address = f"{request.scheme}://{request.host}/soap/v1"
    text = _WSDL.replace("@ADDRESS@", escape(address, {'"': "&quot;"}))
    return web.Response(body=text.encode("utf-8", "replace"), content_type="text/xml", charset="utf-8")
