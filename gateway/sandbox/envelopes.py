"""SOAP 1.1 of the voucher store, server side: operations in, results and EVS faults out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from gateway import xmltree
from gateway.errors import MessageError

NAMESPACE = "urn:voucher-store"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_OPEN = f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body>'
_CLOSE = "</s:Body></s:Envelope>"


class StoreFault(Exception):
    """EVS100 参数不合法, EVS004 获取行政区划失败, EVS700 业务逻辑不合法; `status` of the HTTP answer."""

    def __init__(self, code: str, text: str, status: int = 500):
        super().__init__(f"{code}#{text}")
        self.code = code
        self.text = text
        self.status = status


@dataclass(frozen=True, slots=True)
class Operation:
    """A call. `arguments` by name, each with all its values in order."""

    name: str
    arguments: Mapping[str, list[str]]

    def one(self, name: str) -> str:
        """The only value; StoreFault EVS100 where it is missing or repeated."""
        values = self.arguments.get(name, [])
        if len(values) != 1 or not values[0]:
            raise StoreFault("EVS100", f"参数不合法：{name}")
        return values[0]

    def several(self, name: str) -> list[str]:
        values = self.arguments.get(name, [])
        if not values:
            raise StoreFault("EVS100", f"参数不合法：{name}")
        return values

    def data(self, name: str) -> bytes:
        try:
            return base64.b64decode("".join(self.one(name).split()), validate=True)
        except binascii.Error as error:
            raise StoreFault("EVS100", f"参数不合法：{name} 不是 Base64") from error


def read_operation(body: bytes) -> Operation:
    """StoreFault EVS100 for what is no call of this namespace."""
    try:
        root = xmltree.parse(body, max_bytes=16 * 1024 * 1024)
    except MessageError as error:
        raise StoreFault("EVS100", "参数不合法：不是 SOAP 报文") from error
    soap_body = root.find(f"{{{SOAP}}}Body") if root.tag == f"{{{SOAP}}}Envelope" else None
    call = soap_body[0] if soap_body is not None and len(soap_body) == 1 else None
    if call is None or not str(call.tag).startswith(f"{{{NAMESPACE}}}"):
        raise StoreFault("EVS100", "参数不合法：没有操作")
    arguments: dict[str, list[str]] = {}
    for child in call:
        arguments.setdefault(xmltree.local(child.tag), []).append((child.text or "").strip())
    return Operation(xmltree.local(call.tag), arguments)


def map_result(operation: str, entries: Mapping[str, str]) -> bytes:
    """A Map; EVS000 stands for success."""
    inner = "".join(
        f"<entry><key>{escape(key)}</key><value>{escape(value)}</value></entry>"
        for key, value in entries.items()
    )
    return _result(operation, f"<return>{inner}</return>")


def data_result(operation: str, data: bytes) -> bytes:
    """Bytes; no `return` at all where there are none."""
    return _result(operation, f"<return>{base64.b64encode(data).decode()}</return>" if data else "")


def fault_result(fault: StoreFault) -> bytes:
    who = "s:Server" if fault.status >= 500 and fault.code == "EVS999" else "s:Client"
    return (
        f"{_OPEN}<s:Fault><faultcode>{who}</faultcode><faultstring>{escape(str(fault))}</faultstring>"
        f'<detail><VoucherStoreFault xmlns="{NAMESPACE}"><code>{fault.code}</code>'
        f"<text>{escape(fault.text)}</text></VoucherStoreFault></detail></s:Fault>{_CLOSE}"
    ).encode()


def _result(operation: str, inner: str) -> bytes:
    name = f"{operation}Response"
    return f'{_OPEN}<{name} xmlns="{NAMESPACE}">{inner}</{name}>{_CLOSE}'.encode()
