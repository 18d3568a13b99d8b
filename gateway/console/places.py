"""Where one can go: the console's navigation, in its order, each place with the right that it needs."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.rights import may
from gateway.store.contract import UserRow

ACCOUNT = "/console/account"
SIGN_IN = "/console/sign-in"


@dataclass(frozen=True, slots=True)
class Place:
    """`name`: its word is `nav.NAME`, and what a page says as `tab`."""

    name: str
    href: str
    right: str


PLACES = (
    Place("overview", "/console/overview", "overview.view"),
    Place("messages", "/console/", "messages.view"),
    Place("applications", "/console/applications", "applications.view"),
    Place("stuck", "/console/stuck", "deliveries.view"),
    Place("refusals", "/console/refusals", "messages.view"),
    Place("platforms", "/console/platforms", "platforms.view"),
    Place("mappings", "/console/mappings", "mappings.view"),
    Place("reconciliations", "/console/reconciliation", "reconciliation.view"),
    Place("alarms", "/console/alarms", "alarms.view"),
    Place("users", "/console/users", "users.manage"),
    Place("audit", "/console/audit", "audit.view"),
    Place("evidence", "/console/evidence", "evidence.view"),
    Place("standard", "/console/standard", "standard.view"),
)


def home_of(user: UserRow | None, *, half: bool = False) -> str:
    """The first place that somebody may go to."""
    if user is None:
        return SIGN_IN
    if half:
        return ACCOUNT
    return next((place.href for place in PLACES if may(user.roles, place.right)), ACCOUNT)
