"""One case, made up from a seed: who, what road, which contract, how much, when. Everything that several
messages say is decided here once, so that they agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway.digests import sm3_hex
from gateway.standard.numbers import deal_code
from gateway.standard.sampling import words


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

    `platform_node` and `treasury` are the nodes that send; `division`: who pays. `plan`: row of `words.PLAN`. Days stand in their order.
    """

    seed: str
    is_procurement: bool
    trade_class: str
    platform_node: str
    division: str
    treasury: str
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
