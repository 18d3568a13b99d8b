"""Makes a story up: every choice is drawn from one seed, in one order, so the same seed tells the same."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from gateway.standard.codes import Code
from gateway.standard.numbers import bank_no, uscc
from gateway.standard.sampling import words
from gateway.standard.sampling.story import Account, Invoice, Line, Party, Story

_FIRST_DAY = date(2024, 3, 4)
_DAYS = 500  # the day of a story's first act lies within so many days after the first


def tell(seed: str, treasuries: Mapping[str, str], districts: Sequence[Code]) -> Story:
    """A story; the same seed tells the same one. `treasuries`: division that pays → its treasury's node;
    `districts`: where the road may lie."""
    dice = random.Random(seed)
    division = dice.choice(sorted(treasuries))
    created = _working(_FIRST_DAY + timedelta(days=dice.randrange(_DAYS)))
    names = {row.code: row.name_zh for row in districts if row.is_valid_on(f"{created:%Y%m%d}")}
    region = division if division in names else dice.choice(sorted(names))
    winners = tuple(_companies(dice, sorted(names), 2 if dice.random() < 0.2 else 1))
    price = dice.randrange(800_000, 40_000_000) * 100
    plan = dice.choice(words.PLAN)
    days = _calendar(dice, created)
    lines = _lines(dice, winners, price * plan[3] // 100)
    serial = dice.randrange(1, 1_000_000)
    is_procurement = dice.random() < 0.3
    trade_class, node = words.TRADES[is_procurement]
    return Story(
        seed=seed,
        is_procurement=is_procurement,
        trade_class=trade_class,
        platform_node=node,
        division=division,
        treasury=treasuries[division],
        level="1" if division == words.CITY else "2",
        region=region,
        road=dice.choice(words.ROADS),
        works=dice.choice(words.WORKS),
        tenderer=_office(dice, division, names, words.TENDERER),
        agency=_company(dice, words.CITY, dice.choice(words.COMPANY_WORDS), words.AGENCY_TRADES),
        authority=_office(dice, division, names, words.AUTHORITY),
        payer=f"上海市{names.get(division, '')}财政局零余额账户",
        winners=winners,
        price=price,
        plan=plan,
        lines=lines,
        invoices=tuple(_invoices(dice, lines, plan[0], days[3], serial)),
        is_paid=len(lines) > 1 or dice.random() < 0.9,
        serial=serial,
        created=created,
        awarded=days[0],
        signed=days[1],
        applied=days[3],
        reviewed=days[4],
        pushed=days[5],
        paid=days[6],
    )


def person(dice: random.Random) -> str:
    return dice.choice(words.SURNAMES) + dice.choice(words.GIVEN)


def _companies(dice: random.Random, regions: list[str], count: int) -> list[Party]:
    """Of different names."""
    found = dice.sample(words.COMPANY_WORDS, count)
    return [_company(dice, dice.choice(regions), word, words.COMPANY_TRADES) for word in found]


def _company(dice: random.Random, region: str, word: str, trades: tuple[str, ...]) -> Party:
    body = "MA" + "".join(dice.choice("0123456789ABCDEFGH") for _ in range(6))
    name = f"上海{word}{dice.choice(trades)}有限公司"
    return Party(uscc("91", region, body), name, region, person(dice), person(dice))


def _office(dice: random.Random, division: str, names: dict[str, str], office: words.Office) -> Party:
    """A public body: of the city by its own name, of a district by the district's. One office, one code."""
    district = names.get(division, "")
    name, body = office.of_district if district else office.of_city
    full = f"上海市{district}{name}"
    return Party(uscc(office.kind, division, body), full, division, person(dice), person(dice))


def _account(dice: random.Random, owner: Party, kind: str) -> Account:
    bank, name = dice.choice(words.BANKS)
    title = f"{owner.name}农民工工资专用账户" if kind == "3" else owner.name
    branch = f"{name}上海市{dice.choice(words.BRANCHES)}支行"
    no = f"1001{dice.randrange(10**14, 10**15)}"
    return Account(owner, no, title, branch, bank_no(f"{bank}2900{dice.randrange(1000, 9999)}"), kind)


def _lines(dice: random.Random, winners: tuple[Party, ...], amount: int) -> tuple[Line, ...]:
    """One payee; or works and wages; or the members of a consortium."""
    if len(winners) > 1:
        first = amount * dice.randrange(55, 75) // 100
        parts = ((winners[0], "1", first, "01"), (winners[1], "1", amount - first, "01"))
    elif dice.random() < 0.4:
        wages = amount * dice.randrange(10, 20) // 100
        parts = ((winners[0], "1", amount - wages, "01"), (winners[0], "3", wages, "02"))
    else:
        return (Line(_account(dice, winners[0], "1"), amount, "01"),)
    return tuple(Line(_account(dice, party, kind), fen, fee) for party, kind, fen, fee in parts)


def _invoices(
    dice: random.Random, lines: tuple[Line, ...], pay_kind: str, applied: date, serial: int
) -> list[Invoice]:
    """As many as sellers, sometimes one more; a prepayment may rest on a receipt."""
    due: dict[Party, int] = {}
    for line in lines:
        due[line.account.owner] = due.get(line.account.owner, 0) + line.fen
    made: list[Invoice] = []
    for seller, total in due.items():
        cut = total * dice.randrange(30, 70) // 100 if dice.random() < 0.4 else 0
        for gross in filter(None, (cut, total - cut)):
            kind = "90" if pay_kind == "01" and dice.random() < 0.3 else dice.choice(("31", "31", "32", "10"))
            made.append(_invoice(dice, kind, seller, gross, applied, f"{serial:06d}-{len(made) + 1}"))
    return made


def _invoice(
    dice: random.Random, kind: str, seller: Party, gross: int, applied: date, serial: str
) -> Invoice:
    issued = _working(applied - timedelta(days=dice.randrange(1, 12)))
    net = gross if kind == "90" else round(gross / 1.09)
    digital = f"{issued:%y}312{dice.randrange(10**14, 10**15)}"
    classic = str(dice.randrange(10**7, 10**8))
    number = {"10": classic, "90": ""}.get(kind, digital)
    code, check = ("031002400111", str(dice.randrange(10**19, 10**20))) if kind == "10" else ("", "")
    suffix, file_type = ("pdf", "03") if kind in ("10", "90") else ("ofd", "01")
    name = f"{'收据' if kind == '90' else '发票'}{number or serial}.{suffix}"
    file_id = f"FILE-{applied:%Y%m%d}-{serial}"
    size = dice.randrange(20_000, 400_000)
    return Invoice(
        kind, seller, number, code, check, issued, net, gross - net, file_id, name, file_type, size
    )


def _calendar(dice: random.Random, created: date) -> list[date]:
    """Awarded, signed, works begun, applied, reviewed, pushed, paid: working days, one after the other."""
    days, at = [], created
    for least, most in ((20, 30), (3, 10), (5, 15), (30, 90), (1, 6), (1, 2), (1, 4)):
        at = _working(at + timedelta(days=dice.randrange(least, most + 1)))
        days.append(at)
    return days


def _working(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=7 - day.weekday() if day.weekday() > 4 else 0)
