"""The shared door to JSON: strict, bounded, and at orjson's speed.

orjson refuses NaN, Infinity, bad UTF-8 and control characters, but takes the last of two equal names
in silence. RFC 8259 section 4 leaves their meaning open, so two readers of one signed text could see
two contents; they are refused here. Names are not counted one by one: without escaped colons, the text
has exactly as many colons as its tree has when written again, or it held a name that the tree lost.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from gateway.errors import MessageError
from gateway.formats.contract import refusal

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32
_BOM = b"\xef\xbb\xbf"


def read_json(data: bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """The value of a JSON text in UTF-8 (RFC 8259; a leading byte order mark is ignored).

    Integers beyond 64 bits and fractions come as float: `read_exact_json` keeps their digits.
    MessageError 10001 (not JSON, NaN, a name twice, deeper than 32), 10002 (too large), 10004 (not UTF-8).
    """
    if len(data) > max_bytes:
        raise refusal(
            "json.too-large",
            f"报文超过 {max_bytes} 字节",
            f"the document is larger than {max_bytes} bytes",
            result="10002",
        )
    if data.startswith(_BOM):
        data = data[3:]
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _explain(data, error) from error
    _check_depth(data, value)
    _check_names(data, value)
    return value


def read_exact_json(data: bytes) -> Any:
    """Like `read_json`, with fractions and long integers as the text that stands in the document."""
    value = read_json(data)
    if not _has_float(value):
        return value
    return json.loads(data.removeprefix(_BOM), parse_float=str, parse_int=str)


def write_json(value: Any) -> bytes:
    """Compact UTF-8, names in the order of the value. TypeError for what JSON cannot hold."""
    return orjson.dumps(value)


def _explain(data: bytes, error: orjson.JSONDecodeError) -> MessageError:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as decode_error:
        return refusal(
            "json.encoding",
            f"第 {decode_error.start} 字节不是 UTF-8 编码",
            f"byte {decode_error.start} is not UTF-8",
            result="10004",
        )
    return refusal(
        "json.malformed",
        f"JSON 不合规范（第 {error.lineno} 行第 {error.colno} 列）: {error.msg}",
        f"not well-formed JSON (line {error.lineno}, column {error.colno}): {error.msg}",
        result="10001",
        line=error.lineno,
        column=error.colno,
    )


def _check_depth(data: bytes, value: Any) -> None:
    if data.count(b"{") + data.count(b"[") <= MAX_DEPTH:
        return
    level = [value] if type(value) in (dict, list) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            item
            for parent in level
            for item in (parent.values() if type(parent) is dict else parent)
            if type(item) is dict or type(item) is list
        ]
    if level:
        raise refusal(
            "json.too-deep",
            f"报文嵌套超过 {MAX_DEPTH} 层",
            f"deeper than {MAX_DEPTH} levels",
            result="10001",
        )


def _check_names(data: bytes, value: Any) -> None:
    """Refuses a name that stands twice in one object. Exact: see the top of the module."""
    if b"\\u003" not in data and orjson.dumps(value).count(b":") == data.count(b":"):
        return
    twice: list[str] = []

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for name, item in pairs:
            if name in built:
                twice.append(name)
            built[name] = item
        return built

    json.loads(data, object_pairs_hook=build)
    if twice:
        names = ", ".join(dict.fromkeys(name[:60] for name in twice[:10]))
        raise refusal(
            "json.duplicate-name",
            f"同一对象中名称重复: {names}",
            f"a name stands twice in one object: {names}",
            result="10001",
            path=twice[0][:60],
        )


def _has_float(value: Any) -> bool:
    if type(value) is dict:
        return any(map(_has_float, value.values()))
    if type(value) is list:
        return any(map(_has_float, value))
    return type(value) is float
