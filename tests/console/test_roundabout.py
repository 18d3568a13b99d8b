"""Sensitive values by ways round: asked for character by character, or in what another message says of it."""

from __future__ import annotations

import string
from typing import Any

from gateway.rights import VIEWER
from tests.console.conftest import Site
from tests.console.people import cookie_of
from tests.console.seed import accept
from tests.console.test_log_search import fetch
from tests.console.test_ops import ask


async def found_by(site: Site, cookies: dict[str, str], **wanted: str) -> list[dict[str, Any]]:
    status, said = await ask(site, "/messages", cookies=cookies, params=wanted)
    assert status == 200
    return list(said["messages"])


async def test_no_search_tells_whether_an_account_begins_so(site: Site) -> None:
    await accept(site.store, site.standard, "1004", "GGZY-ZPT", ())
    await site.store.index_words()
    viewer = await cookie_of(site.store, VIEWER)
    record = site.standard.sample("1004")
    legal, account = record["LegalCode"], record["AcctNo"]

    async def found(text: str) -> int:
        return len(await found_by(site, viewer, type="1004", text=text))

    assert await found(legal) == await found(f"{legal}|") == 1
    assert await found(site.standard.business_key("1004", record)) == 1
    for known in ("", account[:4], account[:-1]):
        asked = [f"{legal}|{known}{one}" for one in string.digits]
        assert f"{legal}|{account[: len(known) + 1]}" in asked
        hits = {text for text in asked if await found(text)}
        assert not hits - {f"{legal}|{account}"}  # the whole of it is known to whoever asks
    assert await found(account) == await found(account[:8]) == 0


async def test_a_receipt_that_names_an_account_by_its_key_is_masked_too(site: Site) -> None:
    """8002 says the business key of the message that it answers; of 1004 that has an account number."""
    account = site.standard.sample("1004")
    key = site.standard.business_key("1004", account)
    record = {**site.standard.sample("8002"), "OriMsgNo": "1004", "BizKey": key}
    await accept(site.store, site.standard, "8002", "GGZY-JSGC", ("GGZY-ZPT",), record=record)
    viewer = await cookie_of(site.store, VIEWER)
    for text in (account["AcctNo"], account["AcctNo"][:8]):
        assert await found_by(site, viewer, type="8002", text=text) == []
    [row] = await found_by(site, viewer, type="8002", text=account["AcctBankNo"])
    assert row["type"] == "8002" and account["LegalCode"] in row["biz_key"]
    assert account["AcctNo"] not in row["biz_key"] and f"|****{account['AcctNo'][-4:]}|" in row["biz_key"]
    for path in ("/", f"/messages/{row['id']}"):
        page = (await fetch(site, path))[1].decode()
        assert account["LegalCode"] in page and account["AcctNo"] not in page
