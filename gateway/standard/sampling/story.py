"""One case, made up from a seed: who, what road, which contract, how much, when. Everything that several
messages say is decided here once, so that they agree."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.standard.codes import Code
from gateway.standard.head import sm3_hex
from gateway.standard.numbers import bank_no, deal_code, uscc
from gateway.standard.sampling import words

_FIRST_DAY = date(2024, 3, 4)
_DAYS = 500  # the day of a story's first act lies within so many days after the first


@dataclass(frozen=True, slots=True)
class Party:
    """`region` is where it is registered; `person` acts for it, `boss` represents it in law."""

    code: str
    name: str
    region: str
    person: str
    boss: str


@dataclass(frozen=True, slots=True)
class Account:
    """`kind`: 1 basic account, 3 wage account."""

    owner: Party
    no: str
    name: str
    bank: str
    bank_no: str
    kind: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """Amounts in fen. `kind`: CT-INVKIND; a digital invoice has a number, a classic one code, number, check."""

    kind: str
    seller: Party
    number: str
    code: str
    check: str
    issued: date
    net: int
    tax: int
    file_id: str
    file_name: str
    file_type: str
    size: int

    @property
    def gross(self) -> int:
        return self.net + self.tax

    @property
    def key(self) -> str:
        """As 3003 names it."""
        if self.kind in ("31", "32"):
            return self.number
        return f"{self.code}|{self.number}" if self.code else f"digest:{self.digest}"

    @property
    def digest(self) -> str:
        return sm3_hex(self.file_id.encode())


@dataclass(frozen=True, slots=True)
class Line:
    """What one payee gets; `fee`: 01 works, 02 wages."""

    account: Account
    fen: int
    fee: str


@dataclass(frozen=True, slots=True)
class Story:
    """`is_procurement`: told by the procurement platform instead of the construction platform.

    `division`: who pays. `plan`: row of `words.PLAN`. Days stand in their order.
    """

    seed: str
    is_procurement: bool
    division: str
    level: str
    region: str
    road: tuple[str, str]
    works: str
    tenderer: Party
    agency: Party
    authority: Party
    payer: str
    winners: tuple[Party, ...]
    price: int
    plan: tuple[str, str, str, int]
    lines: tuple[Line, ...]
    invoices: tuple[Invoice, ...]
    is_paid: bool
    serial: int
    created: date
    awarded: date
    signed: date
    applied: date
    reviewed: date
    pushed: date
    paid: date

    @property
    def lead(self) -> Party:
        return self.winners[0]

    @property
    def amount(self) -> int:
        return sum(line.fen for line in self.lines)

    @property
    def trade_class(self) -> str:
        return "D02" if self.is_procurement else "A03"

    @property
    def platform_node(self) -> str:
        return "GGZY-ZFCG" if self.is_procurement else "GGZY-JSGC"

    @property
    def treasury(self) -> str:
        return f"CZ-ZFPT-{self.division}"

    @property
    def project(self) -> str:
        return f"G{self.division}{self.created:%y%m%d}{self.serial % 10000:04d}"

    @property
    def tender(self) -> str:
        if self.is_procurement:
            return f"SHCG-{self.division}-{self.created:%Y%m%d}-{self.serial % 10000:04d}"
        return f"{self.project}001"

    @property
    def section(self) -> str:
        return f"{self.tender}-1" if self.is_procurement else f"{self.tender}001"

    @property
    def deal(self) -> str:
        return deal_code(self.trade_class, words.OPERATOR, f"{self.created:%Y%m%d}", self.serial)

    @property
    def title(self) -> str:
        return f"{self.road[0]}{self.road[1]}{self.created:%Y}年养护工程"

    @property
    def contract(self) -> str:
        kind = "采" if self.is_procurement else "养"
        return f"沪{kind}合〔{self.signed:%Y}〕{self.road[0]}-{self.serial:06d}号"

    @property
    def application(self) -> str:
        return f"SQ-{self.division}-{self.applied:%Y%m%d}-{self.serial % 100000:05d}"

    @property
    def tracking(self) -> str:
        return f"{self.division}-{self.applied:%Y}-SQ{self.serial:06d}"

    @property
    def voucher(self) -> str:
        """Of the application's push."""
        return f"ZF{self.pushed:%Y%m%d}{self.serial:06d}"

    @property
    def order(self) -> str:
        """The treasury's own payment order, 5201."""
        return f"5201{self.paid:%y%m%d}{self.serial:06d}"

    def bank_serial(self, line: int) -> str:
        return f"{self.paid:%Y%m%d}0001{self.serial:06d}{line:02d}"

    def file_id(self, day: date, number: int) -> str:
        return f"FILE-{day:%Y%m%d}-{self.serial:06d}-{number}"


def tell(seed: str, divisions: Sequence[str], districts: Sequence[Code]) -> Story:
    """A story; the same seed tells the same one. `divisions`: who may pay, `districts`: where it may be."""
    dice = random.Random(seed)
    division = dice.choice(divisions)
    created = _working(_FIRST_DAY + timedelta(days=dice.randrange(_DAYS)))
    names = {row.code: row.name_zh for row in districts if row.is_valid_on(f"{created:%Y%m%d}")}
    region = division if division in names else dice.choice(sorted(names))
    winners = tuple(_companies(dice, sorted(names), 2 if dice.random() < 0.2 else 1))
    price = dice.randrange(800_000, 40_000_000) * 100
    plan = dice.choice(words.PLAN)
    days = _calendar(dice, created)
    lines = _lines(dice, winners, price * plan[3] // 100)
    serial = dice.randrange(1, 1_000_000)
    return Story(
        seed=seed,
        is_procurement=dice.random() < 0.3,
        division=division,
        level="1" if division == words.CITY else "2",
        region=region,
        road=dice.choice(words.ROADS),
        works=dice.choice(words.WORKS),
        tenderer=_office(dice, division, names, "12", ("上海市公路养护事务中心", "公路管理事务中心")),
        agency=_company(dice, words.CITY, dice.choice(words.COMPANY_WORDS), words.AGENCY_TRADES),
        authority=_office(dice, division, names, "11", ("上海市交通委员会", "建设和交通委员会")),
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


def _office(
    dice: random.Random, division: str, names: dict[str, str], kind: str, titles: tuple[str, str]
) -> Party:
    """A public body: of the city by its own name, of a district by the district's."""
    district = names.get(division, "")
    name = f"上海市{district}{titles[1]}" if district else titles[0]
    body = f"42500{ord(titles[1][0]) % 900 + 100}"  # one office, one code, in every story
    return Party(uscc(kind, division, body), name, division, person(dice), person(dice))


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
