"""Which industry authority 行业主管部门 reviews for a tenderer: a table, never a guess (DECISIONS.md 15).

A row with a tenderer counts before the row of the whole division. The push (4002) may leave the authority
out: the gateway adds it for the receiver; one that it names must be the table's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway import clock
from gateway.message import Record
from gateway.payments.ground import Application
from gateway.rights import Scope


@dataclass(frozen=True, slots=True)
class Authority:
    """One row. `tenderer` "" stands for every tenderer of the division; `code` is a credit code."""

    tenderer: str
    adm_div: str
    code: str
    name: str
    since: date | None = None
    until: date | None = None

    def includes(self, on: date) -> bool:
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)


@dataclass(frozen=True, slots=True)
class Authorities:
    rows: tuple[Authority, ...] = ()

    def find(self, tenderer: str, adm_div: str, on: date) -> Authority | None:
        """The authority of a tenderer in a division on that day; the tenderer's own row first."""
        for wanted in (tenderer, ""):
            for row in self.rows:
                if row.tenderer == wanted and row.adm_div == adm_div and row.includes(on):
                    return row
        return None


NO_AUTHORITIES = Authorities()


def is_within(scope: Scope, application: Application, authorities: Authorities) -> bool:
    """May somebody who is bounded by `scope` see it? By its division, its project kind, and the authority on
    the day on which it was opened."""
    if scope.divisions and application.adm_div not in scope.divisions:
        return False
    if scope.project_kinds and application.project_kind not in scope.project_kinds:
        return False
    if not scope.authorities:
        return True
    on = clock.from_ms(application.opened_at).date()
    found = authorities.find(application.tenderer, application.adm_div, on)
    return found is not None and found.code in scope.authorities


def with_authority(body: Record, authorities: Authorities, on: date) -> Record:
    """The push as its receiver gets it: with the table's authority, which the sender need not name."""
    if body.get("AuthorityCode") and body.get("AuthorityName"):
        return body
    found = authorities.find(body["TendererCode"], body["AdmDivCode"], on)
    return body if found is None else {**body, "AuthorityCode": found.code, "AuthorityName": found.name}
