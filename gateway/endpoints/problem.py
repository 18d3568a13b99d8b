"""The one error renderer: problem documents (RFC 9457) and SOAP faults, from the same MessageError.

Every fault is listed, by its path in the sender's own field names, in Chinese and English. What is
unexpected becomes a 500 with an incident number that stands in the log too; its cause never leaves.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from xml.sax.saxutils import escape

import aiohttp
import orjson
import structlog
from aiohttp import web

from gateway import refusals
from gateway.endpoints.world import REFUSAL_HEADERS
from gateway.errors import Fault, MessageError
from gateway.store.contract import StoreUnavailable

log = structlog.get_logger("endpoints")
CONTENT_TYPE = "application/problem+json"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
SOAP_TYPE = {SOAP11: "text/xml", SOAP12: "application/soap+xml"}

# CT-RESULT, in the words that a title needs.
TITLES: dict[str, tuple[str, str]] = {
    "10001": ("报文无法解析", "The message cannot be read"),
    "10002": ("报文过大", "The message is too large"),
    "10003": ("报文不符合数据标准", "The message does not meet the data standard"),
    "10004": ("字符编码错误", "Wrong character encoding"),
    "10005": ("未知报文类型或资源", "Unknown message type or resource"),
    "20001": ("验签失败", "The seal does not hold"),
    "20002": ("证书无效", "The certificate is not valid"),
    "20003": ("解密失败", "Decryption failed"),
    "20004": ("摘要不符", "The digest does not match"),
    "20005": ("时间偏差过大", "The time stamp is too old or in the future"),
    "20006": ("令牌重放", "The token was used before"),
    "20007": ("无权调用", "Not allowed"),
    "30001": ("校验位错误", "Wrong check digit"),
    "30002": ("代码不在代码表内", "The code is not in its table"),
    "30003": ("关联记录不存在", "A record that is referred to does not exist"),
    "30004": ("金额不符", "The amounts do not agree"),
    "30005": ("发票重复使用", "The invoice is used already"),
    "30006": ("当前状态不允许", "The state of the case does not allow it"),
    "30007": ("字节长度超限", "Too many GBK bytes"),
    "30008": ("含不可用字符", "A character cannot be used"),
    "30009": ("不在试点范围", "Outside coverage"),
    "30010": ("附件错误", "Something is wrong with an attachment"),
    "30011": ("超过合同余额", "Above the contract's balance"),
    "30012": ("收款账户未备案", "The account is not registered"),
    "30013": ("指标余额不足", "The budget quota is insufficient"),
    "90001": ("首个请求仍在处理", "The first request is still running"),
    "90002": ("系统繁忙", "Busy"),
    "90003": ("幂等冲突", "The key is bound to other content"),
    "90004": ("版本乱序", "The version is out of order"),
    "99999": ("内部错误", "Internal error"),
}


def document(error: MessageError, *, instance: str = "") -> dict[str, Any]:
    """The problem document as data; members in the order of RFC 9457, then ours."""
    first = error.faults[0]
    zh, en = TITLES.get(error.result, TITLES["99999"])
    found: dict[str, Any] = {
        "type": f"urn:sh-ggzy-czzf:problem:{first.code}",
        "title": f"{zh} / {en}",
        "status": error.status,
        "code": first.code,
        "result": error.result,
        "detail": _detail(error),
    }
    if instance:
        found["instance"] = instance
    found["errors"] = [refusals.members(fault) for fault in error.faults]
    return found


def problem(error: MessageError) -> bytes:
    """The problem document of a refusal, UTF-8 JSON."""
    return orjson.dumps(document(error))


def fault(error: MessageError, namespace: str = SOAP12) -> bytes:
    """The SOAP Fault element of a refusal, UTF-8, SOAP 1.2 or 1.1 by `namespace`."""
    zh, en = TITLES.get(error.result, TITLES["99999"])
    mine = error.status < 500
    detail = _soap_detail(error)
    if namespace == SOAP11:
        who = "soap:Client" if mine else "soap:Server"
        text = (
            f'<soap:Fault xmlns:soap="{SOAP11}"><faultcode>{who}</faultcode>'
            f"<faultstring>{escape(f'{error.result} {zh} / {en}: {_detail(error)}')}</faultstring>"
            f"<detail>{detail}</detail></soap:Fault>"
        )
    else:
        who = "env:Sender" if mine else "env:Receiver"
        text = (
            f'<env:Fault xmlns:env="{SOAP12}"><env:Code><env:Value>{who}</env:Value></env:Code>'
            f'<env:Reason><env:Text xml:lang="zh">{escape(zh)}</env:Text>'
            f'<env:Text xml:lang="en">{escape(en)}</env:Text></env:Reason>'
            f"<env:Detail>{detail}</env:Detail></env:Fault>"
        )
    return text.encode()


def envelope(error: MessageError, namespace: str = SOAP12) -> bytes:
    """A whole SOAP message with nothing but the fault: for senders that could not be authenticated."""
    head = f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{namespace}"><s:Body>'
    return head.encode() + fault(error, namespace) + b"</s:Body></s:Envelope>"


def response(error: MessageError, request: web.Request | None = None) -> web.Response:
    """An unsealed problem response."""
    body = orjson.dumps(document(error, instance=request.path if request is not None else ""))
    headers = _headers(error) | (request.get(REFUSAL_HEADERS, {}) if request is not None else {})
    return web.Response(status=error.status, body=body, headers=headers, content_type=CONTENT_TYPE)


def soap_response(error: MessageError, namespace: str) -> web.Response:
    """An unsealed fault. SOAP 1.1 wants 500 for every fault; 1.2 goes with the status of the refusal."""
    status = 500 if namespace == SOAP11 else error.status
    return web.Response(
        status=status,
        body=envelope(error, namespace),
        headers=_headers(error),
        content_type=SOAP_TYPE[namespace],
        charset="utf-8",
    )


@web.middleware
async def errors_as_problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Outermost: whatever goes wrong leaves as a problem document."""
    try:
        return await handler(request)
    except MessageError as error:
        cause = getattr(error, "cause_text", "")
        log.info("refused", path=request.path, result=error.result, code=error.faults[0].code, cause=cause)
        return response(error, request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _of_http(request, error)
    except StoreUnavailable:
        log.exception("store unavailable", path=request.path)
        return response(busy(), request)
    except (ConnectionError, aiohttp.ClientPayloadError, web.RequestPayloadError) as error:
        log.info("body broken off", path=request.path, cause=type(error).__name__)
        return response(_broken_off(), request)
    except Exception:  # noqa: BLE001 - the last place where our own fault can be told apart and logged
        return response(incident(request.path), request)


def busy() -> MessageError:
    """503: nothing was written, the same call may come again."""
    return MessageError.busy("gateway.busy")


def _broken_off() -> MessageError:
    return MessageError.of(
        "http.broken-off", "请求体不完整", "the body ended early or is malformed", result="10001"
    )


def incident(where: str) -> MessageError:
    """Our own fault, logged with its cause under a number that the caller may quote."""
    number = secrets.token_hex(6)
    log.exception("incident", incident=number, where=where)
    return MessageError.of(
        "gateway.incident",
        f"网关内部错误，事件编号 {number}",
        f"an error inside the gateway, incident {number}",
        result="99999",
    )


_HTTP_WORDS: dict[int, tuple[str, str, str, str]] = {
    404: ("http.not-found", "地址不存在", "there is nothing at this address", "10005"),
    405: ("http.method", "方法不允许", "this method is not allowed here", "10005"),
    413: ("http.too-large", "请求体过大", "the body is too large", "10002"),
}


def _of_http(request: web.Request, error: web.HTTPException) -> web.Response:
    words = ("http.refused", error.reason, error.reason, "10001")
    code, zh, en, result = _HTTP_WORDS.get(error.status, words)
    refused = response(MessageError.of(code, zh, en, result=result, status=error.status), request)
    if "Allow" in error.headers:
        refused.headers["Allow"] = error.headers["Allow"]
    return refused


def _headers(error: MessageError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    return headers


def _detail(error: MessageError) -> str:
    first = error.faults[0]
    place = f"{first.place}: " if first.place else ""
    more = len(error.faults) - 1
    tail = f" (+{more})" if more else ""
    return f"{place}{first.zh} / {first.en}{tail}"


def _soap_detail(error: MessageError) -> str:
    errors = "".join(f"<Error>{_soap_members(one)}</Error>" for one in error.faults)
    return (
        f'<Problem xmlns=""><Status>{error.status}</Status><Code>{escape(error.faults[0].code)}</Code>'
        f"<Result>{error.result}</Result><Detail>{escape(_detail(error))}</Detail>"
        f"<Errors>{errors}</Errors></Problem>"
    )


def _soap_members(one: Fault) -> str:
    """The same members as in a problem document, each an element; two languages are two elements."""
    members = refusals.members(one)
    message, mend = members["message"], members.get("mend", {"zh": "", "en": ""})
    parts = {
        "Path": members["path"],
        "Rule": members["rule"],
        "FaultCode": members["code"],
        "Result": members["result"],
        "Zh": message["zh"],
        "En": message["en"],
        **{name: members.get(name.lower(), "") for name in ("Expected", "Found", "Line", "Column")},
        "MendZh": mend["zh"],
        "MendEn": mend["en"],
    }
    required = ("Path", "Rule", "Result", "Zh", "En")
    return "".join(
        f"<{name}>{escape(str(value))}</{name}>" for name, value in parts.items() if value or name in required
    )
