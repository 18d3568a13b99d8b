"""Request bodies, bounded while they arrive: a sender cannot make the gateway hold more than allowed."""

from __future__ import annotations

from aiohttp import web

from gateway.errors import MessageError


async def read_body(request: web.Request, max_bytes: int) -> bytes:
    """The whole body. MessageError 10002 (413) as soon as it is too large, 10001 where it is encoded."""
    check_encoding(request)
    if (request.content_length or 0) > max_bytes:
        raise too_large(max_bytes)
    parts: list[bytes] = []
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > max_bytes:
            raise too_large(max_bytes)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def check_encoding(request: web.Request) -> None:
    """Compressed bodies are refused (415): sealed bytes do not compress, and bombs do."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise MessageError.of(
            "http.content-encoding",
            "不接受压缩的请求体",
            "a compressed body is not accepted",
            result="10001",
            status=415,
        )


def too_large(max_bytes: int) -> MessageError:
    return MessageError.of(
        "http.too-large",
        f"请求体超过 {max_bytes} 字节",
        f"the body is larger than {max_bytes} bytes",
        result="10002",
    )
