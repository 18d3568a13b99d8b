"""The log's filters, searches that are kept, and exports: in the page, in Chromium, and as JSON."""

from __future__ import annotations

import asyncio
import csv
import io

import aiohttp
import pytest
from openpyxl import load_workbook
from playwright.async_api import Browser, expect
from yarl import URL

from gateway.console import exports
from gateway.console.csvs import lines
from gateway.mapping.sheets import to_sheet
from gateway.rights import OPERATOR, VIEWER
from gateway.store.accountrows import SavedFilter
from gateway.store.contract import MessageFilter, MessagePage, StoreUnavailable
from tests.console.conftest import Site
from tests.console.people import cookie_of
from tests.console.seed import NO, accept
from tests.console.test_ops import ask, token_of
from tests.console.test_pages import get, rows


async def fetch(
    site: Site, path: str, cookies: dict[str, str] | None = None
) -> tuple[int, bytes, aiohttp.ClientResponse]:
    async with (
        aiohttp.ClientSession(cookies=cookies or site.cookies) as session,
        session.get(f"{site.url}/console{path}") as answer,
    ):
        return answer.status, await answer.read(), answer


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("contract=沪养合〔2024〕G1503-02号", ["5001", "4002", "4001", "3001", "2003"]),
        ("text=浦江公路&sender=GGZY-ZPT", ["1001", "4002", "3001"]),
        ("company=上海市交通委员会", ["4002"]),
        ("least=100000000000", []),
        ("most=abc", []),
        ("key=none", []),
    ],
)
async def test_the_log_is_asked_by_more(site: Site, query: str, types: list[str]) -> None:
    for _ in range(2):  # before and after it is indexed
        _, page = await get(site, f"/?{query}")
        assert [row.split()[2] for row in rows(page)] == types
        assert ("无法识别" in page) == ("abc" in query)
        await site.store.index_words()


async def test_an_export_is_masked_bounded_audited_and_holds_no_formula(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accept(site.store, site.standard, "1004", "GGZY-ZPT", ())
    account = site.standard.sample("1004")["AcctNo"]
    status, body, answer = await fetch(site, "/messages.csv?sender=GGZY-ZPT")
    assert (
        status == 200
        and body.startswith("\ufeff".encode())
        and "attachment" in answer.headers["Content-Disposition"]
    )
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
    table = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    assert table[0][:2] == ["接收时间", "报文类型"]
    assert [row[1] for row in table[1:]] == ["1004", "1001", "4002", "4001", "3001"]
    assert account not in body.decode() and account[-4:] in body.decode()
    status, body, _ = await fetch(site, f"/messages.xlsx?application={NO}")
    sheet = load_workbook(io.BytesIO(body)).active
    assert sheet is not None and [row[1] for row in sheet.values][1:] == ["5001", "4002", "4001", "3001"]
    acts = [(one.act, one.detail) for one in await site.store.acts()][:2]
    assert acts == [
        ("export messages", {"form": "xlsx", "application": NO}),
        ("export messages", {"form": "csv", "sender": "GGZY-ZPT"}),
    ]
    monkeypatch.setitem(exports.MOST, "csv", 2)
    _, body, _ = await fetch(site, "/messages.csv")
    assert body.decode().splitlines()[-1] == "仅导出前 2 条" and len(body.splitlines()) == 4


async def test_an_export_that_fails_on_the_way_does_not_look_whole(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(wanted: MessageFilter) -> MessagePage:
        if wanted.before:
            raise StoreUnavailable("the database went away")
        return await found(wanted)

    found = site.store.search_page
    monkeypatch.setattr(exports, "_AT_ONCE", 2)
    monkeypatch.setattr(site.store, "search_page", away)
    url = URL(site.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    [(name, token)] = site.cookies.items()
    # As proxies ask by default: where the answer ends with the connection.
    writer.write(
        f"GET /console/messages.csv HTTP/1.0\r\nHost: {url.host}\r\nCookie: {name}={token}\r\n\r\n".encode()
    )
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    monkeypatch.undo()
    status, body, _ = await fetch(site, "/messages.csv")
    assert status == 200 and len(body.splitlines()) == 7


async def test_only_who_may_exports(site: Site) -> None:
    viewer = await cookie_of(site.store, VIEWER)
    assert (await fetch(site, "/messages.csv", viewer))[0] == 403
    _, page, _ = await fetch(site, "/?type=4002", viewer)
    assert b"messages.csv" not in page and b"/console/filters" in page
    assert (await fetch(site, "/messages.csv?least=x"))[0] == 400


def test_no_cell_is_a_formula() -> None:
    odd = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "a\x01b", "x" * 40_000]
    assert lines([["=1+1", "+1"]]) == b"'=1+1,'+1\r\n"
    sheet = load_workbook(io.BytesIO(to_sheet("t", ["h"] * len(odd), [odd]))).active
    assert sheet is not None
    cells = next(iter(sheet.iter_rows(min_row=2)))
    assert (
        all(cell.data_type == "s" for cell in cells) and cells[0].value == "=1+1" and cells[5].value == "ab"
    )


async def test_a_search_is_kept_shared_and_dropped_in_the_page(site: Site, browser: Browser) -> None:
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    await context.add_cookies(
        [
            {"name": name, "value": value, "url": site.url + "/console/"}
            for name, value in site.cookies.items()
        ]
    )
    page = await context.new_page()
    try:
        await page.goto(f"{site.url}/console/")
        table = page.locator("#rows tbody tr")
        await expect(table).to_have_count(6)
        await page.get_by_text("更多条件").click()
        await page.get_by_label("单位名称或代码").fill("上海市交通委员会")
        await page.get_by_label("单位名称或代码").press("Enter")
        await expect(table).to_have_count(1)
        shared = page.url
        assert "company=" in shared
        await page.get_by_label("名称", exact=True).fill("浦江")
        await page.get_by_role("button", name="保存此查询").click()
        kept = page.get_by_role("navigation", name="我保存的查询").get_by_role("link", name="浦江")
        await expect(kept).to_be_visible()
        await page.goto(f"{site.url}/console/?type=4001")
        await kept.click()
        await expect(table).to_have_count(1)
        await expect(page.get_by_label("单位名称或代码")).to_have_value("上海市交通委员会")
        async with page.expect_download() as coming:
            await page.get_by_role("link", name="CSV").click()
        assert (await coming.value).suggested_filename.startswith("messages-")
        await page.get_by_role("button", name="删除 浦江").click()
        await expect(kept).to_have_count(0)
        await page.goto(shared)
        await expect(table).to_have_count(1)
    finally:
        await context.close()


async def test_scripts_get_exports_and_kept_searches(site: Site) -> None:
    token = await token_of(site, OPERATOR)
    await site.store.save_filter(SavedFilter("a-operator", "t", "type=4002", 1), 5)
    assert (await ask(site, "/filters", token))[1]["filters"][0]["query"] == "type=4002"
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.get(f"{site.url}/v1/ops/messages.csv?type=4002") as answer,
    ):
        assert answer.status == 200 and (await answer.text()).splitlines()[0].endswith("codes,id")
    assert (await ask(site, "/messages.csv?most=x", token))[0] == 422
