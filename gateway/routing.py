"""Who receives a message: the routes of the configuration, with roles filled by the case's facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.errors import MessageError
from gateway.message import Record
from gateway.payments.case import Finding
from gateway.payments.coverage import Coverage
from gateway.settings import Platform, RouteRow

_NOTHING = Finding()


@dataclass(frozen=True, slots=True)
class Routes:
    """The routing table. `receivers` is pure: row order decides nothing, all rows that match add up."""

    rows: Mapping[str, Sequence[RouteRow]]
    platforms: Mapping[str, Platform]
    coverage: Coverage

    @classmethod
    def of(cls, rows: Sequence[RouteRow], platforms: Mapping[str, Platform], coverage: Coverage) -> Routes:
        table: dict[str, list[RouteRow]] = {}
        for row in rows:
            table.setdefault(row.type, []).append(row)
        return cls(table, platforms, coverage)

    def check_sender(self, number: str, sender: str) -> None:
        """MessageError 20007 where the platform may not send this type at all."""
        if number not in self.platforms[sender].sends:
            raise MessageError.of(
                "route.not-allowed",
                f"{sender} 无权发送报文 {number}",
                f"{sender} may not send messages of type {number}",
                result="20007",
            )

    def receivers(
        self, number: str, sender: str, body: Record, finding: Finding, on: date
    ) -> tuple[str, ...]:
        """Platform ids, each once, never the sender itself; () where the message stays at the gateway."""
        found: dict[str, None] = {}
        for row in self.rows.get(number, ()):
            if row.sender and row.sender != sender:
                continue
            if any(body.get(name) != value for name, value in row.when.items()):
                continue
            for name in row.to:
                for receiver in self._fill(name, finding, on):
                    if receiver and receiver != sender:
                        found[receiver] = None
        return tuple(found)

    def certain(self, number: str, sender: str = "") -> frozenset[str]:
        """Who receives every message of this type, whatever it says; without `sender`, whoever sends it."""
        names = [
            name
            for row in self.rows.get(number, ())
            if not row.when and row.sender in ("", sender)
            for name in row.to
            if name in self.platforms or name in ("general", "subs")
        ]
        return frozenset(
            node for name in names for node in self._fill(name, _NOTHING, date.min) if node != sender
        )

    def _fill(self, name: str, finding: Finding, on: date) -> Sequence[str]:
        match name:
            case "contract-owner":
                return (finding.contract_owner,)
            case "treasury":
                return (finding.treasury,)
            case "pushed-treasury":
                return (finding.pushed_treasury,)
            case "treasuries":
                return self.coverage.treasuries(on)
            case "general":
                return [node for node, platform in self.platforms.items() if platform.kind == "general"]
            case "subs":
                return [node for node, platform in self.platforms.items() if platform.kind == "sub"]
            case _:
                return (name,)
