"""/openapi.json: the HTTP interface as OpenAPI 3.1. /docs: the same as one page, without a script."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import orjson
from aiohttp import web

from gateway import __version__
from gateway.endpoints.openapibodies import CONFIRM, LEASE, REDEEM, TEXT, TICKET
from gateway.endpoints.problem import TITLES
from gateway.endpoints.world import WORLD, EndpointWorld, suites_by_content_type
from gateway.errors import BUSY, HTTP_STATUS

_CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
Operation = dict[str, Any]
# `paths`, `schemas` and `securitySchemes` of calls that are not of the endpoints.
DESCRIBED: web.AppKey[Mapping[str, Mapping[str, Any]]] = web.AppKey("described", Mapping)


def add(app: web.Application) -> None:
    app.router.add_get("/openapi.json", show_json)
    app.router.add_get("/docs", show_page)
    app.router.add_get("/docs.css", show_style)


async def show_json(request: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps(_whole(request)), content_type="application/json")


async def show_page(request: web.Request) -> web.Response:
    headers = {"Content-Security-Policy": _CSP, "X-Content-Type-Options": "nosniff"}
    text = page(_whole(request))
    return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)


async def show_style(request: web.Request) -> web.Response:
    return web.Response(text=_STYLE, content_type="text/css", charset="utf-8")


def _whole(request: web.Request) -> dict[str, Any]:
    """With what others describe."""
    said, more = document(request.app[WORLD]), request.app[DESCRIBED]
    said["paths"] |= more["paths"]
    for part in ("schemas", "securitySchemes"):
        said["components"][part] |= more[part]
    return said


def document(world: EndpointWorld) -> dict[str, Any]:
    """The OpenAPI document; message types and media types are those of this gateway."""
    numbers = sorted(kind.number for kind in world.standard.catalogue)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "公共资源交易数据网关 / Public-resource trading gateway",
            "version": __version__,
            "summary": "总平台、分平台与支付平台之间的报文交换。Message exchange between the general platform, "
            "its sub-platforms and the treasury.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(numbers),
        "components": _components(),
    }


def _paths(numbers: list[str]) -> dict[str, dict[str, Operation]]:
    sealed = {media: {"schema": {"type": "string", "format": "binary"}} for media in suites_by_content_type()}
    return {
        "/v1/messages/{type}": {"post": _submit(numbers, sealed)},
        "/v1/messages/{id}": {
            "get": _op(
                "报文状态与经过", "State and timeline of a message, for its sender and receivers",
                [_path("id", "网关编号 / message id")], sealed, ("200",),
            )
        },
        "/v1/attachments/{digest}": _attachments(),
        "/v1/inbox/lease": {
            "post": _op("租取待收报文", "Lease what waits for the caller, sealed for it", [], sealed, ("200",), LEASE)
        },
        "/v1/inbox/confirm": {
            "post": _op("确认或退回租取的报文", "Confirm what was leased, or give it back", [], sealed, ("200",), CONFIRM)
        },
        "/v1/applications": {"get": _find(sealed)},
        "/v1/applications/{no}": {
            "get": _op(
                "一笔支付申请的进度", "Progress of one payment application, with its trace",
                [_path("no", "支付申请编号 / PayAppNo"), _ON_BEHALF], sealed, ("200",),
            )
        },
        "/v1/tickets": {
            "post": _op("签发无感跳转票据", "Issue a one-time ticket for a seamless jump", [], sealed, ("201",), TICKET)
        },
        "/v1/tickets/redeem": {
            "post": _op("核销票据", "Redeem a ticket, once", [], sealed, ("200",), REDEEM, ("409",))
        },
        "/v1/receipts/{id}": {
            "get": _op(
                "接收回执（存证）", "The receipt of a message: leaf, path and signed checkpoint",
                [_path("id", "网关编号 / message id")], sealed, ("200",),
            )
        },
        "/v1/receipts/verify": {
            "post": _op("核验回执", "Verify a receipt", [], sealed, ("200",), {"type": "object"})
        },
        "/soap/v1": {"post": _soap()},
        "/healthz": {"get": _open("进程存活", "The process answers")},
        "/readyz": {"get": _open("可接收报文；否则 503", "Messages are taken; else 503")},
    }  # fmt: skip


def _submit(numbers: list[str], sealed: dict[str, Any]) -> Operation:
    return {
        "summary": "提交报文 / Submit a sealed message",
        "operationId": "submitMessage",
        "parameters": [
            {"name": "type", "in": "path", "required": True, "schema": {"type": "string", "enum": numbers}},
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "与签名中的幂等键一致 / the key that the seal binds",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            },
            {
                "name": "Prefer",
                "in": "header",
                "description": "wait=N（≤60）：等待接收方结果 / wait up to N seconds for the receivers' outcomes",
                "schema": {"type": "string", "pattern": "^wait=[0-9]+$"},
            },
        ],
        "requestBody": {"required": True, "content": sealed},
        "responses": {
            "202": {
                "description": "已接收，附应答与回执 / accepted; the sealed acknowledgement and receipt",
                "headers": {
                    "Location": {"schema": {"type": "string"}},
                    "Idempotency-Replayed": {"schema": {"type": "string", "enum": ["true"]}},
                },
                "content": sealed,
            },
            "200": {
                "description": "查询类报文的答复 / the answer to a query (1002, 6001)",
                "content": sealed,
            },
            **_problems(*_ALL),
        },
    }


def _attachments() -> dict[str, Operation]:
    digest = _path("digest", "sha-256:<hex> 或 sm3:<hex>，明文文件摘要 / digest of the plain file")
    digest["schema"] = {"type": "string", "pattern": "^(sha-?256|sm3):[0-9a-f]{64}$"}
    body = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    put = _op(
        "上传附件",
        "Upload; resume with Content-Range from the offset that HEAD told",
        [digest],
        {},
        ("200", "201", "202"),
        more=("408", "409", "413", "415"),
    )
    put["requestBody"] = {"required": True, "content": body}
    put["parameters"].append({"name": "Content-Range", "in": "header", "schema": {"type": "string"}})
    put["parameters"].append(
        {
            "name": "to",
            "in": "query",
            "description": "可下载的平台，逗号分隔 / platforms that may download",
            "schema": {"type": "string"},
        }
    )
    get = _op(
        "下载附件",
        "Download, sealed for the caller in chunks; the last bytes alone with Range",
        [digest],
        body,
        ("200", "206"),
    )
    get["parameters"].append({"name": "Range", "in": "header", "schema": {"type": "string"}})
    head = _op("查询上传偏移", "Offset of an upload under way", [digest], {}, ("200",))
    return {"put": put, "get": get, "head": head}  # fmt: skip


def _find(sealed: dict[str, Any]) -> Operation:
    query = [
        ("contract_no", "合同编号 / contract number"),
        ("deal", "统一交易标识码 / unified deal code"),
        ("party", "主体代码 / a party's code"),
        ("from", "起始日期 yyyyMMdd / first day"),
        ("to", "截止日期 yyyyMMdd / last day"),
        ("page", "页码，自 1 起 / page, from 1"),
        ("size", "每页条数 ≤ 100 / rows a page"),
    ]
    parameters = [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in query
    ]
    return _op("查询支付申请", "Find payment applications", [*parameters, _ON_BEHALF], sealed, ("200",))


def _soap() -> Operation:
    media = {name: {"schema": {"type": "string"}} for name in ("text/xml", "application/soap+xml")}
    return {
        "summary": "SOAP 1.1 / 1.2，见 ?wsdl / SOAP, described at ?wsdl",
        "operationId": "soap",
        "requestBody": {"required": True, "content": media},
        "responses": {
            "200": {"description": "应答 / answer", "content": media},
            **{status: {"description": "Fault", "content": media} for status in (*_ALL, "500")},
        },
    }


def _op(
    zh: str,
    en: str,
    parameters: list[dict[str, Any]],
    content: dict[str, Any],
    good: tuple[str, ...],
    body: dict[str, Any] | None = None,
    more: tuple[str, ...] = (),
) -> Operation:
    """A call that carries an HTTP message signature (or comes by mTLS); its answer is sealed. `more`: the
    refusals beside those of every call."""
    operation: Operation = {
        "summary": f"{zh} / {en}",
        "security": [{"httpSignature": []}, {"mutualTls": []}],
        "parameters": list(parameters),
        "responses": {status: _answer(content) for status in good}
        | _problems("400", "401", "403", "404", "422", "429", "503", *more),
    }
    if body is not None:
        operation["responses"] |= _problems("408", "413", "415")
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


def _answer(content: dict[str, Any]) -> dict[str, Any]:
    return {"description": "成功 / success", **({"content": content} if content else {})}


def _open(zh: str, en: str) -> Operation:
    return {"summary": f"{zh} / {en}", "security": [], "responses": {"200": {"description": "ok"}}}


def _path(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}


def _problems(*statuses: str) -> dict[str, Any]:
    return {status: {"$ref": f"#/components/responses/{status}"} for status in statuses}


_ALL = ("400", "401", "403", "404", "408", "409", "413", "415", "422", "429", "503")
_ON_BEHALF: dict[str, Any] = {
    "name": "On-Behalf-Of",
    "in": "header",
    "description": "代主体查询时的主体代码，须在签名范围内 / the subject for whom the platform asks; signed",
    "schema": {"type": "string", "pattern": "^[0-9A-Za-z]{8,18}$"},
}


def _components() -> dict[str, Any]:
    error = {
        "type": "object",
        "required": ["path", "rule", "result", "message"],
        "properties": {
            "path": {
                "type": "string",
                "description": "发送方自己的字段路径 / in the sender's own field names",
            },
            "rule": {"type": "string", "description": "规则编号 / id of the rule that is broken"},
            "code": TEXT,
            "result": TEXT,
            "message": {"type": "object", "properties": {"zh": TEXT, "en": TEXT}},
            "mend": {
                "type": "object",
                "description": "如何更正 / how to put it right",
                "properties": {"zh": TEXT, "en": TEXT},
            },
            "expected": TEXT,
            "found": TEXT,
            "line": {"type": "integer"},
            "column": {"type": "integer"},
        },
    }
    problem = {
        "type": "object",
        "required": ["type", "title", "status", "code", "result", "errors"],
        "properties": {
            "type": TEXT,
            "title": TEXT,
            "status": {"type": "integer"},
            "code": TEXT,
            "result": {"type": "string", "enum": sorted(TITLES)},
            "detail": TEXT,
            "instance": TEXT,
            "errors": {"type": "array", "minItems": 1, "items": error},
        },
    }
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "schemas": {"Problem": problem},
        "responses": {status: {"description": _results_of(status), "content": content} for status in _ALL},
        "securitySchemes": {
            "httpSignature": {
                "type": "http",
                "scheme": "signature",
                "description": "RFC 9421 HTTP message signature by the platform's key: method, target, "
                "content-digest, created (≤ 60 s), nonce",
            },
            "mutualTls": {"type": "mutualTLS"},
        },
    }


def _results_of(status: str) -> str:
    """The CT-RESULT codes that travel with a status."""
    named = [f"{code} {TITLES[code][0]}" for code, http in HTTP_STATUS.items() if str(http) == status]
    if status == "429":
        named = ["90002 " + "、".join(zh for code, (zh, _) in BUSY.items() if code.startswith("limit."))]
    return "；".join(named) or "拒绝 / refused"


def page(described: dict[str, Any]) -> str:
    """One HTML page of the document."""
    rows = []
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            statuses = " ".join(sorted(operation["responses"]))
            names = ", ".join(one["name"] for one in operation.get("parameters", ()))
            rows.append(
                f"<tr><td><b>{method.upper()}</b></td><td><code>{escape(path)}</code></td>"
                f"<td>{escape(operation['summary'])}<small>{escape(names)}</small></td><td>{statuses}</td></tr>"
            )
    results = "".join(
        f"<tr><td><code>{code}</code></td><td>{escape(zh)} / {escape(en)}</td><td>{HTTP_STATUS.get(code, '')}</td></tr>"
        for code, (zh, en) in TITLES.items()
    )
    title = escape(described["info"]["title"])
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="stylesheet" href="/docs.css"></head><body><main><h1>{title}</h1>'
        f'<p>{escape(described["info"]["summary"])} <a href="/openapi.json">openapi.json</a> '
        '<a href="/soap/v1?wsdl">WSDL</a></p>'
        f"<h2>接口 / Calls</h2><table>{''.join(rows)}</table>"
        f"<h2>结果码 / Result codes (CT-RESULT)</h2><table>{results}</table></main></body></html>"
    )


_STYLE = """:root{color-scheme:light dark}body{font:15px/1.6 "PingFang SC","Microsoft YaHei","Noto Sans CJK SC",
system-ui,sans-serif;margin:0}main{max-width:960px;margin:0 auto;padding:24px}table{border-collapse:collapse;
width:100%}td{border-top:1px solid #8884;padding:7px 12px 7px 0;vertical-align:top}small{display:block;
opacity:.6}code{font-size:13px;overflow-wrap:anywhere}"""
