"""Sensitive values by ways round: asked for character by character, in what another message says of it, by a mapping."""

from __future__ import annotations

import re
import string
from typing import Any

import orjson

from gateway.rights import VIEWER
from tests.console import test_bulk
from tests.console.conftest import ROOT, Site
from tests.console.people import cookie_of
from tests.console.seed import accept
from tests.console.test_log_search import fetch
from tests.console.test_mappings import a_mapping, system
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


async def test_a_candidate_is_given_no_plain_value(site: Site) -> None:
    plain = site.standard.sample("3001")
    phone, account = plain["ApplicantPhone"], plain["Payees"]["Payee"][0]["AcctNo"]
    cookies = await system(site)
    path, file = a_mapping(site)
    made_of = {
        "BidSectionCode": 'concat(ApplicantPhone | substring(1, 1), "-", ApplicantPhone | substring(2))',
        "TendererCode": 'ApplicantPhone | fit(18) | pad(18, with: "0") | replace("0", "o")',
        "TendererName": f'if(starts-with(ApplicantPhone, "{phone[:7]}"), "it is so", "it is not so")',
        "PlanNo": "Payees/Payee/AcctNo | first | upper | substring(10, 10)",
        "UseDes": 'concat(Applicant | substring(2), "的电话")',
    }
    text = file.read_text("utf-8")
    for name, formula in made_of.items():
        text = re.sub(rf"(?m)^(  [A-Z_]+: +){name}$", lambda found, to=formula: f"{found[1]}'{to}'", text)
    _, page, _ = await test_bulk.ask(site, f"{path}/try", {"text": text, "last": "10"}, cookies)
    made = {row[0].text: row[2].text or "" for row in page.xpath("//details//tbody/tr")}
    assert set(made) == {"BID_SECTION_CODE", "TENDERER_CODE", "TENDERER_NAME", "PLAN_NO", "USE_DES"}
    assert made["TENDERER_NAME"] == "it is not so"
    for value in made.values():
        assert phone[-6:] not in value.replace("o", "0") and account[-6:] not in value
    assert plain["Applicant"][1:] not in made["USE_DES"] and made["USE_DES"].endswith("的电话")


SPACED = "1001 2345 0900 0012 345"
SUBJECT = ROOT / "mappings" / "construction" / "MarketSubjectSync.in.yaml"


async def accept_spaced(site: Site) -> None:
    """A subject whose account number its sender writes otherwise than the standard, and a name with an ampersand."""
    [sample] = (SUBJECT.parent / "cases" / "MarketSubjectSync.in").glob("*.input.xml")
    sent = sample.read_bytes().replace(b"1001234509000012345", SPACED.encode())
    sent = sent.replace("陈建国".encode(), "张&amp;李三丰".encode())
    assert SPACED.encode() in sent and b"&amp;" in sent
    record = {**site.standard.sample("1001"), "LegalRepresent": "张&李三丰"}
    await accept(site.store, site.standard, "1001", "GGZY-JSGC", (), original=sent, record=record)


async def test_what_is_escaped_or_spaced_in_a_form_is_masked_there(site: Site) -> None:
    admin = await system(site)
    await accept_spaced(site)
    viewer = await cookie_of(site.store, VIEWER)
    [row] = await found_by(site, viewer, type="1001", sender="GGZY-JSGC")
    _, made = await ask(site, f"/messages/{row['id']}/forms", cookies=viewer)
    _, page, _ = await test_bulk.ask(site, f"/console/messages/{row['id']}", cookies=viewer)
    played = await fetch(site, "/mappings/construction/MarketSubjectSync/in/play/file", admin)
    for told in (
        *(one["text"] for one in made["forms"]),
        page.text_content(),
        orjson.loads(played[1])["samples"][0]["sample"],
    ):
        assert SPACED not in told and "三丰" not in told
        assert "浦江公路" in told and "张***" in told


async def test_a_candidate_is_given_no_plain_value_of_the_senders_form(site: Site) -> None:
    cookies = await system(site)
    await accept_spaced(site)
    text = SUBJECT.read_text("utf-8").replace("LEGAL_UNIT_ADDRESS", "BASIC_ACCOUNT_NO")
    path = "/console/mappings/construction/MarketSubjectSync/in/try"
    status, page, _ = await test_bulk.ask(site, path, {"text": text, "last": "10"}, cookies)
    [made] = page.xpath("//tr[td='Address']/td[3]/text()")
    assert status == 200 and SPACED[:9] not in made and len(made) == len(SPACED)
