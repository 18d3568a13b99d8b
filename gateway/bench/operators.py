"""What fifty operators at the console cost the messages: the console in a process of its own (`gateway console`)
beside a gateway under full load, on one store.

Each operator opens a page every 30 seconds, as a link on the page before led to. Slices of messages with the
operators and without them take turns, so that both meet the same machine. A page that is not answered by 200
ends the run.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from gateway import clock
from gateway.accounts import Asker, hash_token
from gateway.bench import endtoend
from gateway.bench.hop import NUMBER
from gateway.bench.material import key_of, payloads
from gateway.console.sessions import COOKIE
from gateway.rights import EVERYTHING, OPERATOR
from gateway.store import open_store
from gateway.store.accountrows import ACTIVE, FULL
from gateway.store.contract import SessionRow, UserRow

OPERATORS, EVERY_S = 50, 30.0
CONSOLE = ("gateway", "console", "--announce", "--log-level", "error", "--no-set-up-link")
# Of pages: a file to download is none.
_LINKS = re.compile(r'<a\s(?![^>]*\sdownload)[^>]*href="(/console/(?!static|language|sign|account)[^"#]*)"')
_NAME = "a-bench"
_DAY_MS = 86_400_000


@dataclass(slots=True)
class Pages:
    """What was opened, and how long each page took."""

    session: aiohttp.ClientSession
    url: str
    took_ms: list[float] = field(default_factory=list)
    _known: list[str] = field(default_factory=lambda: ["/console/"])
    _turn: itertools.count[int] = field(default_factory=itertools.count)

    async def open_next(self) -> None:
        """The next page that somebody's links lead to. RuntimeError where it is not shown."""
        path = self._known[next(self._turn) % len(self._known)]
        started = time.perf_counter()
        async with self.session.get(self.url + path, allow_redirects=False) as response:
            text = await response.text()
        if response.status != 200:
            raise RuntimeError(f"{path} was answered by {response.status}")
        self.took_ms.append((time.perf_counter() - started) * 1000)
        for link in _LINKS.findall(text):
            place = link.replace("&amp;", "&")
            if place not in self._known and len(self._known) < OPERATORS:
                self._known.append(place)

    async def keep_opening(self, every_s: float) -> None:
        """A page every so many seconds, whether the one before is there or not, as people do."""
        opened: set[asyncio.Task[None]] = set()
        try:
            while True:
                opened.add(asyncio.create_task(self.open_next()))
                await asyncio.sleep(every_s)
                for one in {one for one in opened if one.done()}:
                    opened.remove(one)
                    one.result()
        finally:
            await asyncio.gather(*opened)


async def measure(root: Path, folder: Path, rounds: int = 6, slice_: int = 1000) -> dict[str, float]:
    """The figures by name; `rounds` slices without operators and as many with them."""
    environ = await endtoend.made_ready(root, folder)
    environ["GATEWAY_CONSOLE_PORT"] = "0"
    environ["GATEWAY_CONSOLE_SECOND_FACTOR"] = "false"
    certs = folder / "var" / "certs"
    receiver = endtoend.Receiver(certs)
    runner, port = await receiver.serve()
    environ["GATEWAY_URL_GGZY_ZPT"] = f"http://127.0.0.1:{port}/gateway/messages/{{type}}"
    gateway = await endtoend.launch((*endtoend.SERVE, "--no-console"), environ)
    started = [gateway]
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            hop = endtoend.Hop(gateway, await endtoend.announced(gateway), receiver, session)
            console = await endtoend.launch(CONSOLE, environ)
            started.append(console)
            async with signed_in(folder / "var", await endtoend.announced(console)) as pages:
                return await _in_turn(root, certs, hop, pages, rounds, slice_)
    finally:
        for process in started:
            process.terminate()
            await process.wait()
        await runner.cleanup()


async def _in_turn(
    root: Path, certs: Path, hop: endtoend.Hop, pages: Pages, rounds: int, slice_: int
) -> dict[str, float]:
    before, awards = payloads(root, slice_ * (2 * rounds + 1))
    client = endtoend.make_client(endtoend.SENDER, certs, hop.url, hop.session)
    for number, data in before:
        await client.submit(number, data, idem_key=key_of(data), content_type="application/xml")
    sealed = ((key_of(data), client.seal(data, NUMBER, key_of(data), "application/xml")) for data in awards)
    await hop.carry(list(itertools.islice(sealed, slice_)), concurrency=24)  # warming up
    spent = {"alone": 0.0, "beside": 0.0}
    for turn in range(2 * rounds):
        messages = list(itertools.islice(sealed, slice_))
        hop.forget()
        if turn % 2:
            opening = asyncio.create_task(pages.keep_opening(EVERY_S / OPERATORS))
            await hop.carry(messages, concurrency=24)
            opening.cancel()
            await _ended(opening)
        else:
            await hop.carry(messages, concurrency=24)
        spent["beside" if turn % 2 else "alone"] += hop.wall_s
    alone, beside = (rounds * slice_ / spent[name] for name in ("alone", "beside"))
    ordered = sorted(pages.took_ms)
    return {
        "operators": OPERATORS,
        "pages_opened": len(ordered),
        "page_p95_ms": round(ordered[int(len(ordered) * 0.95)], 1),
        "messages_per_s_alone": round(alone, 1),
        "messages_per_s_beside_operators": round(beside, 1),
        "operators_cost_percent": round((1 - beside / alone) * 100, 1),
    }


async def _ended(task: asyncio.Task[None]) -> None:
    """Waits for what was told to end; raises what it raised of its own."""
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise


@asynccontextmanager
async def signed_in(data_dir: Path, url: str) -> AsyncIterator[Pages]:
    """Pages as an operator with a session sees them."""
    store = open_store(f"sqlite:///{data_dir / 'gateway.db'}", data_dir)
    await store.open()
    token, now = secrets.token_urlsafe(32), clock.now_ms()
    user = UserRow(_NAME, "operator", (OPERATOR,), EVERYTHING, ACTIVE, password="-", created_at=now)
    await store.add_user(user, Asker("bench").did("add user", _NAME))
    await store.start_session(
        SessionRow(hash_token(token), _NAME, FULL, now, now, now + _DAY_MS, "127.0.0.1"), _DAY_MS
    )
    await store.close()
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, cookies={COOKIE: token}) as session:
        yield Pages(session, url)
