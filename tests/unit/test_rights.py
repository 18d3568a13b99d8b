"""The table of rights: administrators are apart, and none of them does an operator's act."""

from __future__ import annotations

import itertools

import pytest

from gateway.accounts import delay_ms
from gateway.rights import (
    AUDIT,
    DEPARTMENT,
    EVERYTHING,
    OPERATOR,
    RIGHTS,
    ROLES,
    SECURITY,
    SYSTEM,
    VIEWER,
    Scope,
    may,
    roles_fault,
)

ADMINISTRATORS = (SYSTEM, SECURITY, AUDIT)
CITY = Scope(divisions=("310000",))


@pytest.mark.parametrize(("one", "other"), [*itertools.permutations((*ADMINISTRATORS, OPERATOR), 2)])
def test_nobody_holds_two_of_what_is_kept_apart(one: str, other: str) -> None:
    assert roles_fault([one, other], EVERYTHING) == "roles.apart"


@pytest.mark.parametrize(
    ("roles", "scope", "fault"),
    [
        ([], EVERYTHING, "roles.unknown"),
        (["god"], EVERYTHING, "roles.unknown"),
        ([OPERATOR, VIEWER], EVERYTHING, ""),
        ([AUDIT, VIEWER], EVERYTHING, ""),
        ([DEPARTMENT], EVERYTHING, "roles.no-scope"),
        ([DEPARTMENT], CITY, ""),
        ([DEPARTMENT, VIEWER], CITY, "roles.alone"),
        ([VIEWER], CITY, "roles.scope"),
    ],
)
def test_roles_are_judged_together_with_their_bounds(roles: list[str], scope: Scope, fault: str) -> None:
    assert roles_fault(roles, scope) == fault


def test_what_an_operator_does_no_administrator_may() -> None:
    acts = {right for right, roles in RIGHTS.items() if OPERATOR in roles and not right.endswith(".view")}
    acts -= {"account", "mappings.try"}  # one's own; and a trial changes nothing
    assert {"deliveries.resolve", "platforms.pause", "messages.unmask"} <= acts
    assert [right for right in sorted(acts) if may(ADMINISTRATORS, right)] == []


def test_who_gives_rights_does_not_watch_and_who_watches_does_not_give() -> None:
    assert RIGHTS["users.manage"] == {SECURITY} and RIGHTS["audit.view"] == {AUDIT}


def test_a_department_sees_applications_and_its_account_alone() -> None:
    assert {right for right in RIGHTS if may([DEPARTMENT], right)} == {
        "account", "applications.view", "standard.view",
    }  # fmt: skip


def test_every_role_of_the_table_is_one_and_a_misspelt_right_is_no_refusal() -> None:
    assert all(roles <= set(ROLES) for roles in RIGHTS.values())
    with pytest.raises(KeyError):
        may([OPERATOR], "messages.veiw")


def test_the_delay_grows_from_the_fifth_failure_on_to_an_hour() -> None:
    delays = [delay_ms(failures) // 1000 for failures in (1, 4, 5, 6, 7, 11, 12, 13, 500)]
    assert delays == [0, 0, 30, 60, 120, 1920, 3600, 3600, 3600]
