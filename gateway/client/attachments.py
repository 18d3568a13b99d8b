"""Attachments."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from gateway.client.wire import Wire

Content = bytes | Path


async def upload(wire: Wire, content: Content, *, name: str, receivers: Sequence[str]) -> str:
    raise NotImplementedError


async def download(wire: Wire, digest: str) -> AsyncIterator[bytes]:
    raise NotImplementedError
    yield b""
