"""Pictures of pages, kept as artefacts: whole pages, under names that tell page, width and colours."""

from __future__ import annotations

import asyncio
import base64
import os
import re
from pathlib import Path

from playwright.async_api import CDPSession, Page

from tests.console.conftest import ROOT

MOST_HIGH = 4000  # pixels of a page that are taken


def artefacts() -> Path:
    """Where pictures are left: GATEWAY_SCREENS, else var/artefacts/screens."""
    folder = Path(os.environ.get("GATEWAY_SCREENS") or ROOT / "var" / "artefacts" / "screens")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def file_name(page: str, wide: int, scheme: str) -> str:
    """`/console/messages/{id}` → `messages-id-390-dark.png`."""
    words = re.findall(r"[a-z0-9-]+", page.removeprefix("/console/").lower()) or ["messages"]
    return f"{'-'.join(words)}-{wide}-{scheme}.png"


class Camera:
    """Of one page in a browser, by the browser's own protocol: its quick way to encode halves the time."""

    def __init__(self, session: CDPSession):
        self._session = session

    @classmethod
    async def before(cls, page: Page) -> Camera:
        return cls(await page.context.new_cdp_session(page))

    async def take(self, wide: int, high: float, file: Path) -> None:
        clip = {"x": 0, "y": 0, "width": wide, "height": min(high, MOST_HIGH), "scale": 1}
        told = await self._session.send(
            "Page.captureScreenshot",
            {"format": "png", "optimizeForSpeed": True, "captureBeyondViewport": True, "clip": clip},
        )
        await asyncio.to_thread(file.write_bytes, base64.b64decode(told["data"]))
