"""Who may do what in the console: roles, and one table of rights. Data, so that a test can walk it.

The three administrators 三员 are kept apart: nobody holds two of their roles, and none of them is an operator.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

SYSTEM, SECURITY, AUDIT = "system", "security", "audit"
OPERATOR, VIEWER, DEPARTMENT = "operator", "viewer", "department"
ROLES = (SYSTEM, SECURITY, AUDIT, OPERATOR, VIEWER, DEPARTMENT)
APART = frozenset({SYSTEM, SECURITY, AUDIT, OPERATOR})  # a person holds one of these at most
ALONE = frozenset({DEPARTMENT})  # its bounds would mean nothing beside a role without them

_LOOK = frozenset({OPERATOR, VIEWER})
RIGHTS: Mapping[str, frozenset[str]] = {
    "account": frozenset(ROLES),  # one's own: password, second factor
    "overview.view": frozenset({SYSTEM, OPERATOR, VIEWER}),
    "messages.view": _LOOK,
    "messages.export": frozenset({OPERATOR}),
    "messages.unmask": frozenset({OPERATOR}),
    "applications.view": frozenset({OPERATOR, VIEWER, DEPARTMENT}),
    "deliveries.view": _LOOK,
    "deliveries.resolve": frozenset({OPERATOR}),
    "deliveries.approve": frozenset({OPERATOR}),
    "platforms.view": frozenset({SYSTEM, OPERATOR, VIEWER}),
    "platforms.pause": frozenset({OPERATOR}),
    "config.reload": frozenset({SYSTEM}),
    "mappings.view": frozenset({SYSTEM, OPERATOR, VIEWER}),
    "mappings.try": frozenset({SYSTEM, OPERATOR}),
    "standard.view": frozenset(ROLES),
    "reconciliation.view": _LOOK,
    "reconciliation.run": frozenset({OPERATOR}),
    "evidence.view": frozenset({AUDIT, OPERATOR, VIEWER}),
    "alarms.view": frozenset({SYSTEM, OPERATOR, VIEWER}),
    "alarms.acknowledge": frozenset({OPERATOR}),
    "alarms.rules": frozenset({SYSTEM}),
    "users.manage": frozenset({SECURITY}),
    "audit.view": frozenset({AUDIT}),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a department viewer sees: applications of these authorities (credit codes), divisions and project
    kinds. An empty part does not bound; a user without any bound sees everything its rights allow."""

    authorities: tuple[str, ...] = field(default=())
    divisions: tuple[str, ...] = field(default=())
    project_kinds: tuple[str, ...] = field(default=())

    @property
    def is_open(self) -> bool:
        return not (self.authorities or self.divisions or self.project_kinds)


EVERYTHING = Scope()


def may(roles: Iterable[str], right: str) -> bool:
    """KeyError for a right that the table does not know: a misspelt one must not pass as refused."""
    return not RIGHTS[right].isdisjoint(roles)


def roles_fault(roles: Collection[str], scope: Scope) -> str:
    """Why nobody may hold these together, as a key (`roles.apart`); "" where one may."""
    if not roles or not set(roles) <= set(ROLES):
        return "roles.unknown"
    if len(APART.intersection(roles)) > 1:
        return "roles.apart"
    if ALONE.intersection(roles) and len(set(roles)) > 1:
        return "roles.alone"
    if DEPARTMENT in roles and scope.is_open:
        return "roles.no-scope"
    if DEPARTMENT not in roles and not scope.is_open:
        return "roles.scope"
    return ""
