"""The pages, asked for over HTTP."""

from __future__ import annotations

import re

import aiohttp
import pytest
from lxml import etree, html

from gateway.message import DeliveryState
from gateway.store.contract import AttemptResult, MessageFilter
from tests.console.conftest import Site
from tests.console.seed import MOBILE, NO, RETURNED_NO, accept


async def get(site: Site, path: str, **headers: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession(cookies=site.cookies) as session,
        session.get(f"{site.url}/console{path}", headers=headers) as answer,
    ):
        return answer.status, await answer.text()


def rows(page: str) -> list[str]:
    return [" ".join(text_of(row).split()) for row in html.fromstring(page).iterfind(".//tbody/tr")]


def text_of(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext())


async def test_the_log_shows_every_message_newest_first(site: Site) -> None:
    status, page = await get(site, "/")
    assert status == 200
    assert [row.split()[2] for row in rows(page)] == ["5001", "1001", "4002", "4001", "3001", "2003"]
    assert "已送达" in rows(page)[-1]
    assert "GGZY-JSGC→GGZY-ZPT" in rows(page)[-1].replace(" ", "")


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("type=4002", ["4002"]),
        ("sender=GGZY-JSGC", ["2003"]),
        ("receiver=CZ-ZFPT-310000", ["4002"]),
        ("state=delivered", ["4001", "2003"]),
        (f"application={NO}", ["5001", "4002", "4001", "3001"]),
        (f"text={NO}&type=3001", ["3001"]),
        ("text=nothing-like-this", []),
    ],
)
async def test_the_log_is_searched_by_each_field(site: Site, query: str, types: list[str]) -> None:
    _, page = await get(site, f"/?{query}")
    assert [row.split()[2] for row in rows(page)] == types


async def test_htmx_gets_the_rows_alone(site: Site) -> None:
    _, page = await get(site, "/?type=4002", **{"HX-Request": "true"})
    assert "<html" not in page
    assert len(rows(f"<div>{page}</div>")) == 1


async def test_what_is_searched_for_is_never_markup(site: Site) -> None:
    _, page = await get(site, '/?text="><script>alert(1)</script>')
    assert "<script>alert" not in page


async def message_page(site: Site, number: str) -> str:
    _, page = await get(site, f"/?type={number}")
    found = re.search(r"/console/messages/[0-9A-Z]{26}", page)
    assert found is not None
    return (await get(site, found.group().removeprefix("/console")))[1]


async def test_a_message_shows_timeline_deliveries_and_forms(site: Site) -> None:
    text = text_of(html.fromstring(await message_page(site, "4002")))
    for part in (
        "市公共资源交易总平台",
        "delivery.unknown-outcome",
        "结果不明",
        "PaymentApplicationPush",
        "37 毫秒",
    ):
        assert part in text


async def test_sensitive_values_are_masked_in_every_form(site: Site) -> None:
    sample = site.standard.sample("1001")
    sensitive = site.standard.sensitive("1001")
    values = [
        sample[path] for path in sensitive if isinstance(sample.get(path), str) and len(sample[path]) > 1
    ]
    assert values, "the sample holds no sensitive value: this test would prove nothing"
    page = await message_page(site, "1001")
    assert [value for value in values if value in page] == []
    assert sample["LegalName"] in page


async def test_an_account_number_is_masked_in_keys_and_in_the_words_of_receivers(site: Site) -> None:
    account = site.standard.sample("1004")["AcctNo"]
    await accept(site.store, site.standard, "1004", "GGZY-ZPT", ("GGZY-ZFCG",))
    (claimed,) = await site.store.claim("w", 9, 60, rooms={"GGZY-ZFCG": 9})
    assert account in claimed.biz_key
    said = f"account {account} is not known"
    await site.store.record(AttemptResult(claimed, DeliveryState.DEAD, "receiver.30012", said))
    for path in ("/", "/?type=1004", f"/messages/{claimed.message_id}", "/stuck"):
        _, page = await get(site, path)
        assert account not in page, path
        assert f"****{account[-4:]}" in page, path


async def test_a_mobile_number_beyond_the_standard_is_masked_too(site: Site) -> None:
    page = await message_page(site, "2003")
    assert MOBILE not in page
    assert "138****5678" in page


async def test_an_attempt_shows_the_headers_that_it_sent_and_was_answered(site: Site) -> None:
    (row,) = await site.store.search(MessageFilter(type="2003"))
    for language, words in (
        ("zh", ("发出的头部", "对方应答的头部", "未全部保留")),
        ("en", ("Headers sent", "Headers answered", "too long")),
    ):
        _, page = await get(site, f"/messages/{row.id}", Cookie=f"gateway-language={language}")
        deliveries = text_of(html.fromstring(page).xpath("//section[@aria-labelledby='deliveries']")[0])
        for word in (*words, "idempotency-key: k-1", "set-cookie: ***", "x-contact: 138****5678"):
            assert word in deliveries, (language, word)


async def test_refusals_name_the_place_in_the_senders_words(site: Site) -> None:
    _, page = await get(site, "/refusals")
    assert "金额/申请" in page
    assert "缺少申请金额" in page


async def test_stuck_deliveries_are_listed_and_counted(site: Site) -> None:
    _, page = await get(site, "/stuck")
    text = text_of(html.fromstring(page))
    assert "receiver.30002" in text
    assert "delivery.unknown-outcome" in text


async def test_an_application_shows_its_seven_steps(site: Site) -> None:
    _, page = await get(site, f"/applications/{NO}")
    marks = [step.get("class") for step in html.fromstring(page).iterfind(".//ol[@class='steps']/li")]
    assert marks == ["done"] * 5 + ["now", "open"]
    _, page = await get(site, f"/applications/{RETURNED_NO}")
    marks = [step.get("class") for step in html.fromstring(page).iterfind(".//ol[@class='steps']/li")]
    assert marks == ["done"] * 4 + ["returned", "open", "open"]
    assert "附件不全" in page


@pytest.mark.parametrize("text", [NO, "12310000425010220N"])
async def test_applications_are_found_by_number_and_party(site: Site, text: str) -> None:
    _, page = await get(site, f"/applications?text={text}")
    assert NO in page


@pytest.mark.parametrize("path", ["/messages/nope", "/applications/nope", "/no/such/page", "/language/fr"])
async def test_what_is_not_there_is_a_404_page(site: Site, path: str) -> None:
    status, page = await get(site, path)
    assert status == 404
    assert "没有这一页" in page


async def test_english_is_kept_in_a_cookie(site: Site) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, cookies=site.cookies) as session:
        url = f"{site.url}/console/language/en?back=/console/refusals"
        async with session.get(url) as answer:
            assert str(answer.url) == f"{site.url}/console/refusals"
            assert "AppAmount is missing" in await answer.text()


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example/console/", "/console//evil.example"]
)
async def test_the_language_switch_leads_nowhere_else(site: Site, back: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"{site.url}/console/language/en", params={"back": back}, allow_redirects=False
        ) as answer,
    ):
        assert answer.headers["Location"] == "/console/"


@pytest.mark.parametrize("path", ["/", "/no/such/page", "/static/console.css", "/language/en"])
async def test_every_answer_carries_the_security_headers(site: Site, path: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{site.url}/console{path}", allow_redirects=False) as answer,
    ):
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
