"""Sensitive values by ways round: asked for character by character."""

from __future__ import annotations

import string

from gateway.rights import VIEWER
from tests.console.conftest import Site
from tests.console.people import cookie_of
from tests.console.seed import accept
from tests.console.test_ops import ask


async def test_no_search_tells_whether_an_account_begins_so(site: Site) -> None:
    await accept(site.store, site.standard, "1004", "GGZY-ZPT", ())
    await site.store.index_words()
    viewer = await cookie_of(site.store, VIEWER)
    record = site.standard.sample("1004")
    legal, account = record["LegalCode"], record["AcctNo"]

    async def found(text: str) -> int:
        _, said = await ask(site, "/messages", cookies=viewer, params={"type": "1004", "text": text})
        return len(said["messages"])

    assert await found(legal) == await found(f"{legal}|") == 1
    assert await found(site.standard.business_key("1004", record)) == 1
    for known in ("", account[:4], account[:-1]):
        asked = [f"{legal}|{known}{one}" for one in string.digits]
        assert f"{legal}|{account[: len(known) + 1]}" in asked
        hits = {text for text in asked if await found(text)}
        assert not hits - {f"{legal}|{account}"}  # the whole of it is known to whoever asks
    assert await found(account) == await found(account[:8]) == 0
