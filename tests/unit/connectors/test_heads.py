"""What is kept of an attempt's headers: short, in lower case, and nothing that lets somebody in."""

from __future__ import annotations

import orjson
import pytest
from multidict import CIMultiDict

from gateway.connectors import heads
from gateway.connectors.heads import MASKED, MOST_BYTES, Heads


def test_names_are_in_lower_case_and_one_that_comes_twice_is_joined() -> None:
    answered = CIMultiDict([("Via", "1.1 a"), ("Date", "today"), ("via", "1.1 b")])
    kept = orjson.loads(Heads({"Content-Type": "application/jose"}, answered).text())
    assert kept == {
        "sent": {"content-type": "application/jose"},
        "answered": {"via": "1.1 a, 1.1 b", "date": "today"},
    }


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Proxy-Authorization",
        "COOKIE",
        "Set-Cookie",
        "X-Auth-Token",
        "X-Api-Key",
        "X-Session-Id",
    ],
)
def test_what_lets_somebody_in_is_not_kept(name: str) -> None:
    text = Heads(
        {name: "hush", "Signature": "sig1=:AA==:"}, CIMultiDict([(name, "hush"), (name, "hush")])
    ).text()
    assert "hush" not in text
    kept = orjson.loads(text)
    assert kept["sent"] == {name.lower(): MASKED, "signature": "sig1=:AA==:"}
    assert kept["answered"] == {name.lower(): MASKED}


def test_what_is_too_long_is_cut_and_says_so() -> None:
    answered = {f"X-{number}": "长" * 2000 for number in range(40)}
    text = Heads({"Idempotency-Key": "k" * 64}, answered).text()
    kept = orjson.loads(text)
    assert len(text.encode()) <= MOST_BYTES and kept["cut"] is True
    assert kept["sent"] == {"idempotency-key": "k" * 64}
    assert 0 < len(kept["answered"]) < 40 and all(one.endswith("长…") for one in kept["answered"].values())


def test_bytes_that_are_no_text_do_not_stop_the_attempt() -> None:
    assert orjson.loads(Heads({}, {"Server": "a\udce4b"}).text())["answered"] == {"server": "a?b"}


def test_nothing_travelled_is_nothing_kept() -> None:
    assert Heads().text() == ""


def test_names_that_a_stranger_makes_long_are_not_kept() -> None:
    before = heads._names.cache_info().currsize
    kept = orjson.loads(Heads({"X" * 2000: "1", "Cookie": "2"}, {}).text())
    assert kept["sent"] == {"x" * 2000: "1", "cookie": "***"}
    assert heads._names.cache_info().currsize == before
