"""Which cases the service covers yet, and which treasury pays them (DECISIONS.md 14).

Chosen by (ProjectKind, PayAdmDivCode, date), never by where the road lies: a city road in Pudong is
paid by the city. First city-level highway maintenance, then districts, then municipal roads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Covered:
    """One row of coverage: cases of `project_kind` paid by `adm_div` go to `treasury` from `since` on."""

    project_kind: str
    adm_div: str
    treasury: str
    since: date
    until: date | None = None

    def includes(self, on: date) -> bool:
        return self.since <= on and (self.until is None or on <= self.until)


@dataclass(frozen=True, slots=True)
class Coverage:
    rows: tuple[Covered, ...]

    def find(self, project_kind: str, adm_div: str, on: date) -> Covered | None:
        for row in self.rows:
            if row.project_kind == project_kind and row.adm_div == adm_div and row.includes(on):
                return row
        return None

    def treasuries(self, on: date) -> tuple[str, ...]:
        """Every treasury that pays something on that day, in the order of the file."""
        return tuple(dict.fromkeys(row.treasury for row in self.rows if row.includes(on)))

    def describe(self) -> tuple[str, str]:
        """What is covered and from when, for a refusal: Chinese, English."""
        zh = "；".join(
            f"项目类别{row.project_kind}、财政区划{row.adm_div}自{row.since:%Y-%m-%d}起" for row in self.rows
        )
        en = "; ".join(
            f"project kind {row.project_kind} paid by {row.adm_div} from {row.since:%Y-%m-%d}"
            for row in self.rows
        )
        return zh, en
