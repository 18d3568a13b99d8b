"""Passwords wait to be hashed: so many in all, and of one origin no more than its share."""

from __future__ import annotations

import asyncio
import threading

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.console.headers import origin_of
from gateway.hashing import MOST_OF_ONE, MOST_WAITING, Hashing, TooManyHashes, share_of


async def test_one_origin_keeps_out_itself_alone() -> None:
    hashing, go = Hashing(), threading.Event()

    def work(word: str) -> str:
        go.wait(5)
        return word

    def ask(origin: str) -> asyncio.Task[str]:
        return asyncio.create_task(hashing.do(origin, work, origin))

    strangers = [ask(f"10.0.0.1 (for {number}, 192.0.2.7)") for number in range(MOST_WAITING)]
    await asyncio.sleep(0)
    another = ask("10.0.0.1 (for 192.0.2.8)")
    await asyncio.sleep(0)
    go.set()
    told = await asyncio.gather(*strangers, another, return_exceptions=True)
    assert told[-1] == "10.0.0.1 (for 192.0.2.8)"
    assert sum(isinstance(one, TooManyHashes) for one in told) == MOST_WAITING - MOST_OF_ONE
    assert await hashing.do("10.0.0.1 (for 192.0.2.7)", str.upper, "again") == "AGAIN"


async def test_there_is_a_bound_for_all() -> None:
    hashing, go = Hashing(), threading.Event()
    tasks = [asyncio.create_task(hashing.do(str(n), go.wait)) for n in range(MOST_WAITING)]  # type: ignore[arg-type]
    await asyncio.sleep(0)
    with pytest.raises(TooManyHashes):
        await hashing.do("another", str)
    go.set()
    await asyncio.gather(*tasks)


def test_what_an_asker_says_of_itself_is_no_origin() -> None:
    assert share_of("10.0.0.1 (for 1.1.1.1, 192.0.2.7)") == share_of("10.0.0.1 (for 192.0.2.7)")
    assert share_of("192.0.2.7") == "192.0.2.7"


def heard(peer: str, said: str) -> str:
    return origin_of(make_mocked_request("POST", "/", {"X-Forwarded-For": said}).clone(remote=peer))


@pytest.mark.parametrize(
    "peer", ["198.51.100.7", "2001:db8::7", "::ffff:198.51.100.7", "11.0.0.1", "100.128.0.1", ""]
)
def test_a_peer_of_the_open_network_is_one_origin_whatever_it_says(peer: str) -> None:
    assert {share_of(heard(peer, f"192.0.2.{number}")) for number in range(20)} == {peer}


@pytest.mark.parametrize(
    "peer",
    ["127.0.0.1", "::1", "10.1.2.3", "172.31.0.1", "192.168.7.1", "100.64.0.1", "fd00::1", "::ffff:10.1.2.3"],
)
def test_a_proxy_nearby_says_whom_it_stands_for(peer: str) -> None:
    assert heard(peer, "192.0.2.7") == f"{peer} (for 192.0.2.7)"
