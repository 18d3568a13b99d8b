"""What every answer says to the browser, and whether a request comes from this machine."""

from __future__ import annotations

import ipaddress

from aiohttp import web

_LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")
# Where one's own proxies stand: this machine, RFC 1918, RFC 6598, RFC 4193.
_NEAR = tuple(
    ipaddress.ip_network(one)
    for one in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7")
)  # fmt: skip
# No inline script or style and nothing from elsewhere; htmx is told to use neither (layout.html).
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
}
_STRICT_TRANSPORT = "max-age=31536000"


def put_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer; what is not said to be kept is not kept."""
    response.headers.update(HEADERS)
    if request.secure:
        response.headers["Strict-Transport-Security"] = _STRICT_TRANSPORT
    response.headers.setdefault("Cache-Control", "no-store")


def is_local(request: web.Request) -> bool:
    """From this machine, by a name that means this machine, through no proxy."""
    forwarded = any(name in request.headers for name in _FORWARDED)
    return request.remote in _LOOPBACK and host_name(request.host) in _NAMES and not forwarded


def needs_secure_cookies(request: web.Request) -> bool:
    """Everywhere but on plain HTTP to a name of this machine; so also behind a proxy that speaks TLS."""
    return request.secure or host_name(request.host) not in _NAMES


def scheme_of(request: web.Request) -> str:
    """How the browser speaks: a proxy that speaks TLS for us asks us in plain HTTP, and is never this machine's name."""
    return "https" if needs_secure_cookies(request) else "http"


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def origin_of(request: web.Request) -> str:
    """Where a request comes from, for the audit: the peer, and what a proxy says of whom it stands for. Of a peer from
    the open network nothing is believed: whoever asks directly would be another at each try."""
    if not _is_near(request.remote or ""):
        return request.remote or ""
    said = request.headers.get("X-Forwarded-For", "").strip()[-64:]  # the nearest proxy's word is the last
    return f"{request.remote or ''} (for {said})" if said else request.remote or ""


def _is_near(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _NEAR)
