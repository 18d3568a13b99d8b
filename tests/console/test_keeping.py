"""Reconciled days and the evidence on the page: differences lead to their application, proofs are told in words."""

from __future__ import annotations

import itertools
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import orjson
from lxml import html

from gateway import clock
from gateway.console.sessions import FIELD
from gateway.evidence import make_receipt
from gateway.store.contract import MessageFilter, ReconciledDifference, Reconciliation
from tests.console.conftest import Site
from tests.console.people import cookie_of
from tests.console.seed import NO
from tests.console.test_bulk import ask, said

TREASURY = "CZ-ZFPT-310000"
_numbers = itertools.count(1)
DAY = Reconciliation(
    "20261126", TREASURY, "different", 2, 1, 0, 1, 1, 0, 0, "", 120_000_000, 1, 100_000_000, 2, 120_000_000
)  # fmt: skip
DIFFERENCES = [
    ReconciledDifference(1, "GGZY-ZPT", "missing-there", NO, "V-2", "D-1", "", "20261126", 20_000_000, "", 0),
    ReconciledDifference(
        2, TREASURY, "amount", NO, "V-1", "", "B-77", "20261126", 100_000_000, "20261126", 99_999_999
    ),
]


async def test_a_difference_is_shown_with_both_sides_and_leads_to_its_application(site: Site) -> None:
    await site.store.put_reconciliation(DAY, DIFFERENCES)
    await site.store.put_reconciliation(
        replace(DAY, day="20261125", state="agreed", missing_there=0, amount_differs=0), []
    )
    _, page, _ = await ask(site, "/console/reconciliation?state=different")
    (row,) = page.xpath("//table[contains(@class,'days')]/tbody/tr")
    told = said(row)
    assert "2026-11-26" in told and "有差异" in told and "1,200,000.00" in told and "1,000,000.00" in told
    _, page, _ = await ask(site, f"/console/reconciliation/20261126/{TREASURY}")
    missing, amount = page.xpath("//table[contains(@class,'differences')]/tbody/tr")
    assert "对方缺失" in said(missing) and "200,000.00" in said(missing) and NO in said(missing)
    assert "金额不符" in said(amount) and "1,000,000.00" in said(amount) and "999,999.99" in said(amount)
    links = [str(link) for link in amount.xpath(".//a/@href")]
    assert f"/console/applications/{NO}" in links and f"/console/?application={NO}&type=5001" in links
    assert (await ask(site, links[0]))[0] == (await ask(site, links[1]))[0] == 200
    assert (await ask(site, "/console/reconciliation/20200101/none"))[0] == 404


async def test_a_day_is_reconciled_again_with_a_reason_and_audited(site: Site) -> None:
    today = clock.now()
    asked = {"day": f"{today:%Y-%m-%d}", "treasury": TREASURY, "reason": " "}
    status, page, _ = await ask(site, "/console/reconciliation/run", asked)
    assert status == 400 and "必须填写理由" in said(page) and await site.store.reconciliations() == []
    status, page, url = await ask(site, "/console/reconciliation/run", {**asked, "reason": "支付平台补发"})
    assert status == 200 and "已重新对账" in said(page) and f"{clock.d8(today)}/{TREASURY}" in url
    (row,) = await site.store.reconciliations()
    assert (row.day, row.treasury, row.state) == (clock.d8(today), TREASURY, "waiting")
    act = (await site.store.acts(1))[0]
    assert (act.actor, act.act, act.subject, act.reason) == (
        "a-operator", "reconcile", f"{clock.d8(today)} {TREASURY}", "支付平台补发",
    )  # fmt: skip
    tomorrow = f"{today + timedelta(days=1):%Y-%m-%d}"
    for wrong in (tomorrow, "2026-13-01", ""):
        assert (await ask(site, "/console/reconciliation/run", {**asked, "day": wrong}))[0] == 400
    assert (await ask(site, "/console/reconciliation/run", {**asked, "treasury": "X"}))[0] == 404


async def test_who_may_only_look_does_not_reconcile(site: Site) -> None:
    await site.store.put_reconciliation(DAY, DIFFERENCES)
    viewer = await cookie_of(site.store, "viewer")
    for path in ("", f"/20261126/{TREASURY}"):
        status, page, _ = await ask(site, f"/console/reconciliation{path}", cookies=viewer)
        assert status == 200 and not page.xpath("//main//form[@method='post']")
    assert (await ask(site, "/console/reconciliation/run", {"reason": "x"}, viewer))[0] == 403


async def give(site: Site, data: bytes, role: str = "audit") -> tuple[int, html.HtmlElement]:
    """Uploads a receipt."""
    cookies = await cookie_of(site.store, role, name=f"audit-{next(_numbers)}")
    async with aiohttp.ClientSession(cookies=cookies) as session:
        async with session.get(f"{site.url}/console/account") as answer:
            token = html.fromstring(await answer.text()).xpath(f"//input[@name='{FIELD}']/@value")[0]
        form = aiohttp.FormData({FIELD: str(token)})
        form.add_field("receipt", data, filename="receipt.json", content_type="application/json")
        async with session.post(f"{site.url}/console/evidence/receipt", data=form) as answer:
            return answer.status, html.fromstring(await answer.text())


async def receipt_of(site: Site, number: str = "4002") -> dict[str, object]:
    (row,) = await site.store.search(MessageFilter(type=number))
    return make_receipt(row)


async def test_a_genuine_receipt_is_told_with_what_it_proves(site: Site) -> None:
    receipt = await receipt_of(site)
    status, page = await give(site, orjson.dumps(receipt))
    told = said(page.xpath("//*[@role='status']")[0])
    assert status == 200 and "回执真实有效" in told and "与网关现存的报文一致" in told
    assert str(receipt["message"]["message_id"]) in told and "4002" in told  # type: ignore[index]


async def test_a_receipt_that_was_changed_proves_nothing(site: Site) -> None:
    kept = await receipt_of(site)
    sender = {**kept["message"], "sender": "GGZY-JSGC"}  # type: ignore[dict-item]
    signed = {**kept["checkpoint"], "signed_at": 1}  # type: ignore[dict-item]
    for change in ({"message": sender}, {"index": 0}, {"checkpoint": signed}):
        status, page = await give(site, orjson.dumps({**kept, **change}))
        told = said(page.xpath("//*[@role='alert']")[0])
        assert status == 200 and "回执无效" in told and "被改动过" in told, change


async def test_what_is_no_receipt_is_told_as_such(site: Site) -> None:
    for data, status, words in (
        (b"not json", 200, "不是 JSON"), (b"[]", 200, "不是回执"), (b"{}", 200, "不是回执"),
        (b'{"checkpoint":{"key_id":"other"}}', 200, "不是由本网关的密钥签发"),
        (b'{"checkpoint":{"key_id":7}}', 200, "不是由本网关的密钥签发"),
        (b"[" * 60_000, 200, "不是 JSON"), (b" " * 70_000, 413, "超过 64 KiB"),
    ):  # fmt: skip
        found, page = await give(site, data)
        assert found == status and words in said(page.xpath("//*[@role='alert']")[0]), data[:40]


async def test_checkpoints_are_verified_in_a_row_and_downloaded(site: Site) -> None:
    cookies = await cookie_of(site.store, "audit")
    _, page, _ = await ask(site, "/console/evidence", cookies=cookies)
    rows = page.xpath("//table[contains(@class,'checkpoints')]/tbody/tr")
    assert len(rows) == 6
    status, page, _ = await ask(site, "/console/evidence/check", {"log": "GW-1", "first": "1"}, cookies)
    told = said(page.xpath("//*[@role='status']")[0])
    assert status == 200 and "6 个检查点" in told and "日志至末尾完整" in told
    assert (await ask(site, "/console/evidence/check", {"log": "none"}, cookies))[0] == 404
    async with (
        aiohttp.ClientSession(cookies=cookies) as session,
        session.get(f"{site.url}/console/evidence/checkpoints/GW-1/3") as answer,
    ):
        kept = await answer.json()
        assert "attachment" in answer.headers["Content-Disposition"]
    assert kept["size"] == 3 and kept["text"].split("\n")[1:3] == ["GW-1", "3"]


async def test_a_checkpoint_that_was_rewritten_is_named(site: Site, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "gateway.db") as raw:
        raw.execute("UPDATE checkpoint SET root = zeroblob(32) WHERE tree_size = 4")
    raw.close()
    status, page, _ = await ask(site, "/console/evidence/check", {"log": "GW-1", "first": "1"})
    told = said(page.xpath("//*[@role='alert']")[0])
    assert status == 200 and "报文数为 4 的检查点：签名无效" in told and "之前 3 个检查点有效" in told
