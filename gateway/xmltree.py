"""The one door to lxml's parser: hardened, bounded before and while parsing.

No DTD, no entities, no network; size, depth and element count are bounded. Depth is bounded by
libxml2 itself (256 without huge_tree) and again here, lower, because schemas nest eight deep at most.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache

from lxml import etree

from gateway.errors import Fault, MessageError

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32
MAX_ELEMENTS = 200_000
MAX_ATTRIBUTES = 256  # of one element: lxml reads n of them in n² steps
_DECLARED = ("utf-8", "utf8", "gbk", "gb2312", "gb18030", "us-ascii", "ascii")
# XML 1.0 productions 25 and 80: white space may stand around the sign, and any amount before it.
_ENCODING = re.compile(rb"""\sencoding\s*=\s*(["'])(.*?)\1""")
_local = threading.local()  # a parser is reused, but never by two threads at once
_is_too_deep = etree.XPath(f"boolean({'/*' * (MAX_DEPTH + 1)})")
_has_too_many = etree.XPath(f"count(//*) > {MAX_ELEMENTS}")
_has_many_attributes = etree.XPath(f"boolean(//*[@*[{MAX_ATTRIBUTES + 1}]])")
_SHORTEST = len("<a/>")


def parse(data: bytes, *, max_bytes: int = MAX_BYTES, encoding: str | None = None) -> etree._Element:
    """The root of a document in UTF-8, GBK or GB18030 (by its declaration, or `encoding`).

    Raises MessageError 10001 (not well-formed, DTD, too deep), 10002 (too large), 10004 (encoding).
    """
    if len(data) > max_bytes:
        raise MessageError.of(
            "xml.too-large",
            f"报文超过 {max_bytes} 字节",
            f"the document is larger than {max_bytes} bytes",
            result="10002",
        )
    declared = encoding or _declared_encoding(data)
    if declared.lower() not in _DECLARED:
        raise MessageError.of(
            "xml.encoding",
            f"不支持的编码 {declared}",
            f"encoding {declared} is not supported",
            result="10004",
        )
    _refuse_doctype(data)
    # libxml2 leaves GB18030's four-byte forms to iconv; decoding here makes the result the same everywhere.
    text = data if declared.lower() in ("utf-8", "utf8", "us-ascii", "ascii") else _recode(data, declared)
    try:
        root = etree.fromstring(text, _parser())
    except etree.XMLSyntaxError as error:
        code = "10004" if "encod" in str(error).lower() or "utf-8" in str(error).lower() else "10001"
        name = "xml.encoding" if code == "10004" else "xml.malformed"
        zh, en = f"XML 不合规范: {error}", f"the XML is not well-formed: {error}"
        line, column = error.position
        raise MessageError([Fault(name, "", zh, en, code, line=line or 0, column=column or 0)]) from error
    if _is_too_deep(root) or (len(text) > MAX_ELEMENTS * _SHORTEST and _has_too_many(root)):
        raise _bad_shape()
    if text.count(b"=") > MAX_ATTRIBUTES and _has_many_attributes(root):
        raise _bad_shape()
    return root


def parse_built(data: bytes) -> etree._Element:
    """The root of a document that this process built itself, in UTF-8: nothing in it is hostile, and the
    schema that it is about to be held against bounds its shape. MessageError 10002 beyond MAX_BYTES."""
    if len(data) > MAX_BYTES:
        return parse(data)
    return etree.fromstring(data, _parser())


def _declared_encoding(data: bytes) -> str:
    head = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head.startswith(b"<?xml"):
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
        return "utf-8"
    end = head.find(b"?>")
    return _encoding_in(head[:end]) if end > 0 else _found_encoding(data.partition(b"?>")[0])


def _found_encoding(declaration: bytes) -> str:
    found = _ENCODING.search(declaration)
    return found[2].decode("ascii", "replace") if found else "utf-8"


_encoding_in = lru_cache(maxsize=64)(_found_encoding)  # of short declarations, which are few


def _refuse_doctype(data: bytes) -> None:
    if b"!" in data and (b"<!DOCTYPE" in data or b"<!ENTITY" in data):
        raise MessageError.of(
            "xml.dtd",
            "报文不得含有 DTD 或实体声明",
            "a document type declaration or entity is not allowed",
            result="10001",
        )


def _recode(data: bytes, declared: str) -> bytes:
    try:
        # GBK is read as its superset GB18030: senders that declare GBK do use characters beyond it.
        text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        raise MessageError.of(
            "xml.encoding",
            f"第 {error.start} 字节不是 {declared} 编码",
            f"byte {error.start} is not {declared}",
            result="10004",
        ) from error
    if text.startswith("<?xml"):
        text = text.partition("?>")[2]
    return text.encode("utf-8")


def _parser() -> etree.XMLParser:
    parser: etree.XMLParser | None = getattr(_local, "parser", None)
    if parser is None:
        parser = _local.parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            collect_ids=False,
            encoding="utf-8",
        )
    return parser


def _bad_shape() -> MessageError:
    return MessageError.of(
        "xml.too-deep",
        f"报文嵌套超过 {MAX_DEPTH} 层、元素超过 {MAX_ELEMENTS} 个或一个元素的属性超过 {MAX_ATTRIBUTES} 个",
        f"deeper than {MAX_DEPTH} levels, more than {MAX_ELEMENTS} elements, or one with more than {MAX_ATTRIBUTES} attributes",
        result="10001",
    )


def local(tag: str) -> str:
    """The tag without its namespace."""
    return tag.rpartition("}")[2]


def canonical(element: etree._Element) -> bytes:
    """Exclusive XML canonicalisation 1.0 without comments (W3C xml-exc-c14n)."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
