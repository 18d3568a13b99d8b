"""One message whole: what a person sees of its way, its forms, its signature and its proof."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from click.testing import CliRunner
from lxml import html
from playwright.async_api import Browser, expect

from gateway import clock
from gateway.cli.evidence import evidence
from gateway.console import trying
from gateway.console.lineages import WITHHELD, form_leaves, walk
from gateway.console.masked import NO_MASK
from gateway.console.onemessage import forms_of
from gateway.console.timeline import timeline
from gateway.console.world import WORLD
from gateway.evidence import EvidenceLog
from gateway.mapping import MappingSet, load_mappings
from gateway.message import GATEWAY_NODE, Head
from gateway.rights import OPERATOR, VIEWER
from gateway.security import keys
from gateway.standard import Standard
from gateway.store.contract import EventRow, NewDelivery
from tests.console.conftest import CHROMIUM, ROOT, Site
from tests.console.people import cookie_of
from tests.console.seed import NO
from tests.console.test_bulk import said
from tests.console.test_operator_tasks import open_page
from tests.console.test_ops import ask, token_of
from tests.store.samples import accept_id, message, says

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium command on this machine")
TREASURY = "CZ-ZFPT-310000"
PAID = ROOT / "mappings/treasury/cases/PaymentResult.in/paid.input.xml"
PAYER = "0310000000000001"
WRITTEN = "UPDATE content SET original = CAST({} AS BLOB) WHERE message_seq = (SELECT seq FROM message WHERE id = ?)"
ACCOUNT = "Payees/Payee[1]/AcctNo"


@pytest.fixture(scope="session")
def mappings(standard: Standard) -> MappingSet:
    return load_mappings(ROOT / "mappings", standard)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certs")
    keys.write_development_certificates(folder, {"GGZY-ZPT": "ec"})
    return folder


@dataclass
class Told:
    site: Site
    id: str
    account: str
    database: Path

    @property
    def path(self) -> str:
        return f"/console/messages/{self.id}"

    async def ask(self, more: str = "", cookies: dict[str, str] | None = None) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession(cookies=self.site.cookies if cookies is None else cookies) as session,
            session.get(self.site.url + self.path + more) as answer,
        ):
            return answer.status, await answer.text()

    def tamper(self, sql: str) -> None:
        with sqlite3.connect(self.database) as raw:
            raw.execute(sql, [self.id])


@pytest_asyncio.fixture(loop_scope="session")
async def told(
    site: Site, standard: Standard, mappings: MappingSet, certificates: Path, tmp_path: Path
) -> Told:
    """A 4002 of the general platform, signed, bound into a log with a real key, in the treasury's own form."""
    world = site.pages[WORLD]
    world.translator.mappings = mappings
    shutil.rmtree(site.settings.certs_dir)
    site.settings.certs_dir.symlink_to(certificates)
    receipt = keys.load_identity_from(GATEWAY_NODE, certificates / GATEWAY_NODE / "receipt")
    site.store._evidence = EvidenceLog(  # type: ignore[attr-defined]
        "GW-P", receipt.sign_text, receipt.sign_cert.thumbprint
    )
    signer = keys.load_certificate((certificates / "GGZY-ZPT" / "sign.crt").read_bytes())
    record = standard.sample("4002")
    body = standard.build("4002", record)
    head = Head(
        "4002", "M", "", "GGZY-ZPT", TREASURY, "310000", "2024", "", record["PayAppNo"], "1", "1", "k", "", "", clock.t17()
    )  # fmt: skip
    rendered, version = world.translator.write(site.settings.platforms[TREASURY], "4002", record, head)
    delivery = NewDelivery(TREASURY, "key-of-delivery", NO, rendered, version)
    original = json.dumps({"Head": {"MsgNo": "4002"}, "Body": standard.to_json("4002", record)}).encode()
    arrival = message(
        type="4002", original=original, body=body, head=json.dumps(head.as_record()).encode(), cert=signer.thumbprint,
        fingerprint=hashlib.sha256(body).hexdigest(), judge=says(delivery, application=NO),
    )  # fmt: skip
    id_ = await accept_id(site.store, arrival)
    return Told(site, id_, record["Payees"]["Payee"][0]["AcctNo"], tmp_path / "gateway.db")


async def test_the_page_tells_the_way_the_signer_and_what_belongs_to_it(told: Told) -> None:
    status, text = await told.ask()
    page = html.fromstring(text)
    assert status == 200 and told.account not in text
    way = said(page.xpath("//ol[contains(@class, 'timeline')]")[0])
    for part in ("读取、映射、校验", "120 微秒", "准备入库", "入库提交"):
        assert part in way
    signature = said(page.xpath("//section[@aria-labelledby='signature']")[0])
    assert "有效：接收时已验证" in signature and "GGZY-ZPT" in signature and "还" not in signature
    related = page.xpath("//ul[contains(@class, 'related')]//a/@href")
    assert len(related) == 4 and told.path not in related
    assert "SendVoucher" not in text and "curl -i" not in text  # a voucher store takes no plain request


async def test_each_value_names_what_it_was_made_of(told: Told) -> None:
    page = html.fromstring((await told.ask())[1])
    (leaf,) = page.xpath("//*[@data-of='standard']//li[@data-path='VoucherNo']")
    assert leaf.get("data-sources") == "VoucherNo"
    (standard,) = page.xpath(f"//*[@data-of='original']//li[@data-path='{ACCOUNT}']")
    assert standard.get("data-sources") == ACCOUNT
    account = [
        one for one in page.xpath("//*[@data-of='standard']//li") if ACCOUNT in str(one.get("data-sources"))
    ]
    assert account and all("*" in said(one) for one in account)


async def test_the_receipt_is_verified_against_what_is_stored(told: Told) -> None:
    status, text = await told.ask("/proof")
    assert status == 200 and "验证通过" in text
    told.tamper(
        "UPDATE content SET body = CAST(body || ' ' AS BLOB) WHERE message_seq = (SELECT seq FROM message WHERE id = ?)"
    )
    _, text = await told.ask("/proof")
    assert "验证不通过" in text and "内容与指纹一致 不成立" in said(html.fromstring(text))


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE message SET fingerprint = substr(fingerprint, 2) || '0' WHERE id = ?", "does not lead"),
        ("UPDATE checkpoint SET signed_at = signed_at + 1 WHERE log_id = (SELECT log_id FROM message WHERE id = ?)", "signature does not hold"),
        ("UPDATE checkpoint SET key_id = 'another' WHERE log_id = (SELECT log_id FROM message WHERE id = ?)", "no certificate"),
    ],
)  # fmt: skip
async def test_a_receipt_that_was_tampered_with_proves_nothing(told: Told, sql: str, why: str) -> None:
    told.tamper(sql)
    _, text = await told.ask("/proof")
    assert "验证不通过" in text and why in text


async def test_the_evidence_is_taken_by_the_command(told: Told, certificates: Path, tmp_path: Path) -> None:
    status, text = await told.ask("/evidence")
    assert status == 200 and told.account not in text
    receipt = tmp_path / "receipt.json"
    receipt.write_text(text)
    crt = certificates / GATEWAY_NODE / "receipt.crt"
    done = CliRunner().invoke(evidence, ["verify", str(receipt), "--certificate", str(crt)])
    assert done.exit_code == 0 and told.id in done.output


@needs_browser
async def test_a_person_verifies_follows_a_value_and_copies(told: Told, browser: Browser) -> None:
    page, wrong = await open_page(browser, told.site, told.site.cookies)
    await page.goto(told.site.url + told.path)
    await page.get_by_role("button", name="验证").click()
    await expect(page.get_by_text("验证通过")).to_be_visible()
    target = page.locator("[data-of=standard] li[data-path=VoucherNo]")
    await target.hover()
    await expect(page.locator("[data-form=standard] li.source")).to_have_attribute("data-path", "VoucherNo")
    await expect(page.locator("[data-form=original] li.source")).to_have_attribute("data-path", "VoucherNo")
    await expect(page.locator("#lineage")).to_contain_text("来源: VoucherNo")
    standard = page.locator("[data-form=standard] .leaves")
    await standard.focus()
    await page.keyboard.press("ArrowDown")
    await expect(standard.locator("li.chosen")).to_have_count(1)
    await expect(page.locator("[data-of=standard] li.made")).not_to_have_count(0)
    told.tamper("UPDATE message SET fingerprint = substr(fingerprint, 2) || '0' WHERE id = ?")
    await page.get_by_role("button", name="验证").click()
    await expect(page.get_by_role("alert")).to_have_text("验证不通过")
    await page.close()
    assert wrong == []


@needs_browser
async def test_a_delivery_by_rest_is_copied_as_curl(site: Site, browser: Browser) -> None:
    page, wrong = await open_page(browser, site, site.cookies)
    await page.goto(f"{site.url}/console/?type=3001")
    await page.get_by_role("link", name="3001").first.click()
    await page.get_by_text("curl 命令").click()
    await page.get_by_role("button", name="复制 curl").click()
    await expect(page.get_by_role("button", name="已复制")).to_be_visible()
    text = await page.locator("pre[id^=curl-]").inner_text()
    assert "Idempotency-Key" in text and "/des/upload" in text and "--data-binary @3001.sealed" in text
    await page.close()
    assert wrong == []


@needs_browser
@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_plain_values_are_for_operators_with_a_reason(told: Told, browser: Browser, role: str) -> None:
    cookies = await cookie_of(told.site.store, role, name=f"b-{role}")
    page, _ = await open_page(browser, told.site, cookies)
    await page.goto(told.site.url + told.path)
    assert told.account not in await page.content()
    button = page.get_by_role("button", name="查看明文")
    if role == "viewer":
        await expect(button).to_have_count(0)
    else:
        await page.get_by_label("理由").fill("对账")
        await button.click()
        await expect(page.locator(f"[data-of=original] li[data-path='{ACCOUNT}']")).to_contain_text(
            told.account
        )
        assert [act.act for act in await told.site.store.acts(limit=1)] == ["unmask"]
    await page.close()


async def test_what_is_made_of_a_sensitive_value_and_reads_otherwise_is_hidden(
    told: Told,
) -> None:
    """As if the treasury's mapping wrote the account number in another way than the standard has it."""
    store, world = told.site.store, told.site.pages[WORLD]
    row = await store.get_message(told.id)
    assert row is not None
    (delivery,) = await store.deliveries(told.id)
    masker = world.masker(row)
    masker.pairs = []  # nothing is known by its text
    forms = form_leaves(world.translator, row, [delivery], masker)
    told_values = {leaf.value for form in forms for leaf in form.leaves}
    assert told.account not in told_values and "***" in told_values
    plain = form_leaves(world.translator, row, [delivery], NO_MASK)
    assert {told.account} <= {leaf.value for form in plain for leaf in form.leaves}


@pytest_asyncio.fixture(loop_scope="session")
async def paid(told: Told) -> Told:
    """A 5001 in the treasury's own form, as the golden case has it: the payer's account is read by nothing."""
    world, site = told.site.pages[WORLD], told.site
    original = PAID.read_bytes()
    platform = site.settings.platforms[TREASURY]
    record = world.translator.read(platform, "5001", world.translator.parse(platform, original)).record
    head = json.dumps({"BizSendNode": TREASURY}).encode()
    body = site.standard.build("5001", record)
    rendered = json.dumps({"Head": {}, "Body": site.standard.to_json("5001", record)}).encode()
    delivery = NewDelivery("GGZY-ZPT", "key-of-paid", NO, rendered, "standard")
    arrival = message(
        type="5001", sender=TREASURY, original=original, body=body, head=head, judge=says(delivery, application=NO)
    )  # fmt: skip
    return Told(site, await accept_id(site.store, arrival), PAYER, told.database)


async def test_an_account_that_the_mapping_ignores_is_hidden(paid: Told) -> None:
    _, forms = await call(paid, "forms", VIEWER)
    _, lineage = await call(paid, "lineage", VIEWER)
    _, page = await paid.ask(cookies=await cookie_of(paid.site.store, "viewer", name="v-paid"))
    (original,) = (one for one in forms["forms"] if one["id"] == "original")
    assert "PayAcctNo" in original["text"] and original["fault"] == ""
    for told in (json.dumps(forms), json.dumps(lineage), page):
        assert PAYER not in told


@pytest.mark.parametrize("lost", ["sender", "mapping", "too large", "undecodable", "fault"])
async def test_a_form_that_cannot_be_traced_is_not_shown(
    paid: Told, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    world = paid.site.pages[WORLD]
    if lost == "sender":
        monkeypatch.setattr(world.translator, "platforms", {})
    elif lost == "mapping":
        monkeypatch.setattr(world.translator, "mappings", MappingSet({}))
    elif lost == "too large":
        monkeypatch.setattr("gateway.console.lineages.MOST_BYTES", 1)
    elif lost == "undecodable":
        paid.tamper(WRITTEN.format(f"'<Other>{PAYER}</Other>'"))
    else:
        paid.tamper(WRITTEN.format(f"'<MOF><PayAcctNo>{PAYER}</PayAcctNo></MOF>'"))
    _, forms = await call(paid, "forms")
    _, lineage = await call(paid, "lineage")
    _, page = await paid.ask()
    (original,) = (one for one in forms["forms"] if one["id"] == "original")
    assert (original["text"], original["fault"]) == ("", WITHHELD)
    for told in (json.dumps(forms), json.dumps(lineage), page):
        assert PAYER not in told
    assert "须填写理由查看明文" in page
    row = await paid.site.store.get_message(paid.id)
    assert row is not None
    shown = forms_of(world, row, await paid.site.store.deliveries(row.id), NO_MASK, [])
    assert [one.fault for one in shown] == ["", "", ""] and (PAYER in shown[0].text)


async def test_a_receivers_form_that_cannot_be_traced_is_not_shown(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = told.site.pages[WORLD]
    monkeypatch.setattr(world.translator, "mappings", MappingSet({}))
    _, forms = await call(told, "forms")
    assert [(one["id"][:3], one["fault"]) for one in forms["forms"]] == [
        ("ori", ""), ("sta", ""), ("to-", WITHHELD),
    ]  # fmt: skip


async def test_a_sample_that_cannot_be_traced_is_not_given(
    paid: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookies = await cookie_of(paid.site.store, "system", name="s-paid")
    monkeypatch.setattr(trying, "MOF", "")  # of vouchers there are golden samples alone
    place = f"/console/mappings/{paid.site.settings.platforms[TREASURY].profile}/PaymentResult/in/play/file"
    url = paid.site.url + place
    async with aiohttp.ClientSession(cookies=cookies) as session:
        monkeypatch.setattr("gateway.console.lineages.MOST_BYTES", 1)
        async with session.get(url) as answer:
            samples = (await answer.json())["samples"]
        (real,) = (one for one in samples if paid.id in one["name"])
        assert real["sample"] == "" and "无法逐项追溯" in real["name"]


def test_stages_lie_before_what_they_led_to() -> None:
    row = SimpleNamespace(received_at=1_000_000)
    events = [
        EventRow("M", 1_000_010, "accepted", {"stages_us": {"read": 5000, "prepared": 2000}, "suite": "jose"})
    ]
    lines = timeline(row, events, [], {}, NO_MASK)  # type: ignore[arg-type]
    assert [(one.stage, one.at, one.took_us) for one in lines] == [
        ("read", 999_993, 5000), ("prepared", 999_998, 2000), ("accepted", 1_000_000, 10_000),
    ]  # fmt: skip
    assert [(one.left, one.wide) for one in lines] == [(0, 294), (294, 117), (411, 588)]


def test_paths_are_walked_as_mappings_write_them() -> None:
    record = {"A": "1", "B": [{"C": "2"}, {"C": {"#text": "3", "d": "4"}}]}
    assert list(walk(record)) == [
        ("A", "A", 0, "1"),
        ("B", "B", 0, None),
        ("B[1]", "[1]", 1, None),
        ("B[1]/C", "C", 2, "2"),
        ("B[2]", "[2]", 1, None),
        ("B[2]/C", "C", 2, None),
        ("B[2]/C", "#text", 3, "3"),
        ("B[2]/C/d", "d", 3, "4"),
    ]


async def call(told: Told, what: str, role: str = OPERATOR) -> tuple[int, Any]:
    return await ask(
        told.site,
        f"/messages/{told.id}/{what}",
        await token_of(told.site, role, name=f"{what}-{clock.now_ms()}"),
    )


async def test_scripts_are_told_what_the_page_shows(told: Told) -> None:
    page = html.fromstring((await told.ask())[1])
    _, way = await call(told, "timeline")
    assert len(way["timeline"]) == len(page.xpath("//ol[contains(@class, 'timeline')]/li"))
    assert ("read", 120) in {(one["stage"], one["took_us"]) for one in way["timeline"]}
    _, related = await call(told, "related")
    links = page.xpath("//ul[contains(@class, 'related')]//a/@href")
    assert [f"/console/messages/{one['id']}" for one in related["messages"]] == links
    _, lineage = await call(told, "lineage")
    leaves = {form["id"]: {one["path"]: one for one in form["leaves"]} for form in lineage["forms"]}
    assert list(leaves)[:2] == ["original", "standard"] and len(leaves) == 3
    (form,) = (name for name in leaves if name.startswith("to-"))
    for leaf in page.xpath(f"//*[@data-form='{form}']//li[@data-sources]"):
        assert "\n".join(leaves[form][leaf.get("data-path")]["sources"]) == leaf.get("data-sources")
    _, forms = await call(told, "forms")
    assert [one["id"] for one in forms["forms"]] == ["original", "standard", form]
    for answer in (lineage, forms, way, related):
        assert told.account not in json.dumps(answer)
    _, signature = await call(told, "signature")
    assert signature["signed"] and "GGZY-ZPT" in signature["subject"] and signature["days_left"] > 0
    _, curls = await call(told, "curls")
    assert [(one["receiver"], one["curl"]) for one in curls["deliveries"]] == [(TREASURY, "")]


async def test_scripts_check_a_receipt_and_fetch_it(told: Told) -> None:
    _, proof = await call(told, "proof")
    assert proof["holds"] and [one["verdict"] for one in proof["steps"]] == ["holds", "holds"]
    _, receipt = await call(told, "evidence")
    assert receipt == json.loads((await told.ask("/evidence"))[1])
    told.tamper("UPDATE message SET fingerprint = substr(fingerprint, 2) || '0' WHERE id = ?")
    _, proof = await call(told, "proof")
    assert not proof["holds"]
