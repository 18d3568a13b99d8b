"""Cases by state, division, authority and overdue; where each stands; sums that a department sees of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from lxml import html

from gateway import clock
from gateway.console.charts import bands, columns
from gateway.console.totals import month_of, summed
from gateway.console.world import COOKIE
from gateway.payments.ground import Application, Ground, Needs
from gateway.rights import DEPARTMENT, Scope
from gateway.store.contract import CaseTotal, LastVersion, Verdict
from tests.console.conftest import Site
from tests.console.people import cookie_of
from tests.console.seed import NO, RETURNED_NO
from tests.console.test_bulk import ask, said
from tests.store.samples import accept_id, message

OLD, PUDONG = "SQ-310000-20260105-00009", "SQ-310115-20261124-00007"
DAY = 86_400_000


async def more(site: Site) -> None:
    """One of ninety days ago that is not paid, one of another division that is."""
    model = await site.store.application(NO)
    assert model is not None
    old = replace(model, no=OLD, opened_at=clock.now_ms() - 90 * DAY, state="42", node_key=OLD)
    paid = replace(
        model,
        no=PUDONG,
        adm_div="310115",
        project_kind="02",
        state="70",
        paid_fen=120_000_000,
        node_key=PUDONG,
    )

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        for one in (old, paid):
            ground.put(one)
        return Verdict()

    await accept_id(site.store, message(judge=judge, needs=Needs(applications=frozenset({OLD, PUDONG}))))


async def listed(site: Site, query: str, cookies: dict[str, str] | None = None) -> set[str]:
    _, page, _ = await ask(site, f"/console/applications{query}", cookies=cookies)
    return {str(one) for one in page.xpath("//tbody//td[@class='type']/a/text()")}


async def test_cases_are_listed_by_state_division_and_authority(site: Site) -> None:
    await more(site)
    assert await listed(site, "") == {NO, RETURNED_NO, OLD, PUDONG}
    assert await listed(site, "?state=43") == {RETURNED_NO}
    assert await listed(site, "?division=310115") == {PUDONG}
    model = await site.store.application(NO)
    assert isinstance(model, Application)
    today = clock.now().date()
    city = site.settings.authorities.find(model.tenderer, "310000", today)
    assert city is not None
    assert await listed(site, f"?authority={city.code}") == {NO, RETURNED_NO, OLD}
    assert await listed(site, f"?authority={city.code}&state=60&text={OLD}") == set()


async def test_overdue_counts_by_the_calendar_and_leaves_out_what_is_paid(site: Site) -> None:
    await more(site)
    assert await listed(site, "?overdue=1") == {OLD}
    assert await listed(site, "?overdue=1&state=42") == {OLD}
    assert await listed(site, "?overdue=1&state=70") == set()
    _, page, _ = await ask(site, f"/console/applications/{OLD}")
    calendar = site.settings.calendar
    came_in = calendar.business_day(clock.from_ms(clock.now_ms() - 90 * DAY), "310000")
    due = calendar.due("payment", came_in)
    assert f"逾期 {(clock.now().date() - due).days} 天" in said(page) and str(due) in said(page)


async def test_what_is_stuck_names_whom_to_call(site: Site) -> None:
    _, page, _ = await ask(site, f"/console/applications/{NO}")
    stand = said(page.xpath("//section[contains(@class, 'stand')]")[0])
    (contact,) = site.settings.platforms["CZ-ZFPT-310000"].contacts
    assert contact.name in stand and "1滞留投递" in stand
    _, page, _ = await ask(site, f"/console/applications/{RETURNED_NO}")
    (contact,) = site.settings.platforms["GGZY-JSGC"].contacts
    assert contact.name in said(page.xpath("//section[contains(@class, 'stand')]")[0])


def charted(page: html.HtmlElement, name: str) -> dict[str, tuple[int, list[str]]]:
    """Of a section of sums, by the name of each group: how many bars its chart has, and its cells in the table."""
    (section,) = page.xpath(f"//section[@aria-labelledby='by-{name}']")
    (chart,) = section.xpath("svg[@role='img' and @aria-label]")
    bars = [len(group.xpath("rect")) for group in chart.xpath("g[title]")]
    rows = section.xpath("table/tbody/tr")
    heads = section.xpath("table/thead//th/text()")[1:]  # a narrow screen shows them in the cells
    assert all(row.xpath("td/@data-label") == heads for row in rows)
    return {
        said(row.xpath("th")[0]): (count, [said(cell) for cell in row.xpath("td")])
        for count, row in zip(bars, rows, strict=True)
    }


async def test_sums_are_told_and_drawn_by_division_project_type_and_month(site: Site) -> None:
    await more(site)
    _, page, _ = await ask(site, "/console/applications/totals")
    kinds = charted(page, "kind")
    assert kinds == {
        "公路养护工程": (3, ["3", "3,750,001.50", "3,600,000.00", "0.00"]),
        "市政道路养护工程": (3, ["1", "1,250,000.50", "1,200,000.00", "1,200,000.00"]),
    }
    divisions = charted(page, "division")
    assert list(divisions) == ["上海市", "浦东新区"] and divisions["浦东新区"] == kinds["市政道路养护工程"]
    months = charted(page, "month")
    opened = {f"{clock.from_ms(clock.now_ms() - days * DAY):%Y-%m}" for days in (1, 90)}
    assert set(months) == opened and all(bars == 3 for bars, _ in months.values())
    assert not page.xpath("//main//script | //main//style | //main//*[@style]")
    english = site.cookies | {COOKIE: "en"}
    _, page, _ = await ask(site, "/console/applications/totals", cookies=english)
    assert list(charted(page, "kind")) == ["Highway maintenance", "Municipal road maintenance"]
    own = await cookie_of(site.store, DEPARTMENT, Scope(project_kinds=("02",)))
    _, page, _ = await ask(site, "/console/applications/totals", cookies=own)
    assert list(charted(page, "kind")) == ["市政道路养护工程"] and list(charted(page, "division")) == [
        "浦东新区"
    ]


async def test_sums_are_those_of_ones_own_bounds(site: Site) -> None:
    await more(site)
    _, page, _ = await ask(site, "/console/applications/totals")
    assert said(page.xpath("//ul[contains(@class, 'wide-figures')]")[0]).startswith(
        "4 申请件数"
    ) or "4申请件数" in said(page)
    bounded = await cookie_of(site.store, DEPARTMENT, Scope(divisions=("310115",)))
    _, page, _ = await ask(site, "/console/applications/totals", cookies=bounded)
    told = said(page.xpath("//main")[0])
    assert "1申请件数" in told and "1,200,000.00" in told and "5,000,002.00" not in told
    assert len(page.xpath("//section[@aria-labelledby='by-division']//tbody/tr")) == 1
    _, page, _ = await ask(site, "/console/applications/totals?division=310000", cookies=bounded)
    assert "没有" in said(page.xpath("//main")[0])


def test_sums_are_by_month_and_paid_is_without_refunds() -> None:
    day = (date(2026, 9, 30) - date(1970, 1, 1)).days
    rows = [
        CaseTotal(day, "310000", "01", "70", 2, 1_000, 900, 900, 100),
        CaseTotal(day + 1, "310000", "01", "40", 1, 500, 0, 0, 0),
    ]
    first, second = summed(rows, month_of, str)
    assert (first.name, first.count, first.paid_fen, first.shares) == ("2026-09", 2, 800, (1000, 900, 800))
    assert (second.name, second.app_fen, second.shares) == ("2026-10", 500, (500, 0, 0))


def test_bars_are_as_long_as_their_shares_and_no_amount_is_unseen() -> None:
    first, second = bands([(1000, 500, 0), (1, 0, 250)])
    assert (first.label, first.bars) == (13, ((18, 100), (27, 50), (36, 0)))
    assert (second.label, second.bars) == (68, ((73, 0.3), (82, 0), (91, 25)))
    (only,) = columns([(1000, 500)], 10, 180)
    assert (only.label, only.bars) == (4, ((0, 180), (4, 90)))
    assert bands([]) == columns([], 12, 180) == []
