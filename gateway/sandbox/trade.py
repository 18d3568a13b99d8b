"""A deal from project to contract, as plain facts; each sub-platform writes them down in its own form."""

from __future__ import annotations

from dataclasses import dataclass

from gateway import clock
from gateway.sandbox import numbers
from gateway.sandbox.people import PLATFORM_CODE, Organisation


@dataclass(frozen=True, slots=True)
class Deal:
    """One section that was awarded and contracted. `price` in 元; `kind` is CT-PROJKIND, `level` 1 city
    2 district, `adm_div` the finance bureau that pays, `region` where the works lie."""

    project: str
    tender: str
    section: str
    unified: str
    contract: str
    title: str
    tenderer: Organisation
    winner: Organisation
    price: str
    kind: str
    level: str
    adm_div: str
    region: str


@dataclass(frozen=True, slots=True)
class Place:
    """Who pays and where: what coverage and the choice of treasury go by."""

    kind: str = "01"
    level: str = "1"
    adm_div: str = "310000"
    region: str = "310115"


def new_works(title: str, tenderer: Organisation, winner: Organisation, price: str, place: Place) -> Deal:
    """Road works, with construction's numbers: C17, C20, C23 and the C40 of the deal."""
    project = f"G{place.adm_div}{numbers.digits(10)}"
    tender = f"{project}001"
    return Deal(
        project=project,
        tender=tender,
        section=f"{tender}001",
        unified=numbers.deal_code("A03", PLATFORM_CODE, clock.d8(), int(numbers.digits(6))),
        contract=f"沪养合〔{clock.d8()[:4]}〕{numbers.digits(8)}号",
        title=title,
        tenderer=tenderer,
        winner=winner,
        price=price,
        kind=place.kind,
        level=place.level,
        adm_div=place.adm_div,
        region=place.region,
    )


def new_purchase(title: str, tenderer: Organisation, winner: Organisation, price: str, place: Place) -> Deal:
    """A government procurement, with numbers of its own (C..50) and no project above it."""
    tender = f"ZFCG-{clock.d8()[:4]}-{numbers.digits(8)}"
    return Deal(
        project="",
        tender=tender,
        section=f"{tender}-01",
        unified=numbers.deal_code("D03", PLATFORM_CODE, clock.d8(), int(numbers.digits(6))),
        contract=f"沪采合〔{clock.d8()[:4]}〕{numbers.digits(8)}号",
        title=title,
        tenderer=tenderer,
        winner=winner,
        price=price,
        kind=place.kind,
        level=place.level,
        adm_div=place.adm_div,
        region=place.region,
    )


def beside(deal: Deal, price: str) -> Deal:
    """Another section of the same tender, with a contract of its own."""
    serial = numbers.digits(3)
    return Deal(
        project=deal.project,
        tender=deal.tender,
        section=f"{deal.tender}{serial}" if deal.project else f"{deal.tender}-{serial}",
        unified=numbers.deal_code(deal.unified[:3], PLATFORM_CODE, clock.d8(), int(numbers.digits(6))),
        contract=f"{deal.contract[:-1]}-{serial}号",
        title=f"{deal.title}（增补标段{serial}）",
        tenderer=deal.tenderer,
        winner=deal.winner,
        price=price,
        kind=deal.kind,
        level=deal.level,
        adm_div=deal.adm_div,
        region=deal.region,
    )
