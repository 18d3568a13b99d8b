"""Users, sessions, links and the audit in the store: the same for all who open it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from sqlalchemy import create_engine

from gateway import clock
from gateway.accounts import FREE_FAILURES, AccountFault, Accounts, Asker, Limits, SignInRefused, hash_token
from gateway.payments.authorities import Authorities, Authority, is_within
from gateway.payments.ground import Application, Ground
from gateway.rights import EVERYTHING, SECURITY, Scope
from gateway.security import totp
from gateway.store import Store, open_store
from gateway.store.accountrows import ACTIVE, FULL, INVITED, LOCKED, SECOND
from gateway.store.contract import (
    AuditFilter,
    LastVersion,
    NewAct,
    SessionRow,
    UserRow,
    Verdict,
)
from gateway.store.migrate import migration_config
from gateway.tokens import Tokens
from tests.store.conftest import OpenStore
from tests.store.samples import accept_id, message

PASSWORD = "nine owls count to 4"
ADMIN = Asker("wang", "10.0.0.7")


async def ready(store: Store, name: str = "li") -> Accounts:
    """A user who has set a password."""
    accounts = Accounts(store)
    token = await accounts.add_user(name, "李", ["operator"], EVERYTHING, ADMIN, "new here")
    assert await accounts.take_up(token, "", "", PASSWORD, "10.0.0.8") == name
    return accounts


async def row_of(store: Store, name: str = "li") -> UserRow:
    row = await store.user(name)
    assert row is not None
    return row


async def raw(url: str, sql: str) -> None:
    """What somebody does who has the database's own password."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute(sql)
        connection.close()
        return
    link = await asyncpg.connect(url)
    await link.execute(sql)
    await link.close()


async def test_the_first_link_makes_the_security_administrator_once(make_store: OpenStore) -> None:
    stores = [make_store(), make_store()]
    for one in stores:
        await one.open()
    first, second = (Accounts(one) for one in stores)
    links = [await first.invite_first(), await second.invite_first()]  # two nodes start at once
    kept = await stores[0].invitation(hash_token(links[0]))
    assert kept is not None and links[0] not in repr(kept)
    with pytest.raises(AccountFault, match=r"password\.common"):
        await first.take_up(links[0], "Wang", "", "123456789012", "o")
    taken = await asyncio.gather(
        first.take_up(links[0], "Wang", "王", PASSWORD, "o"),
        second.take_up(links[1], "zhao", "赵", PASSWORD, "o"),
        return_exceptions=True,
    )
    assert len([one for one in taken if isinstance(one, AccountFault)]) == 1
    (row,) = await stores[0].users()
    assert (row.roles, row.state) == ((SECURITY,), ACTIVE) and row.name in ("wang", "zhao")
    assert await first.invite_first() == ""
    assert await first.invitation(links[1]) is None
    for one in stores:
        await one.close()


async def test_a_link_ends_after_a_day_and_with_the_next(store: Store, store_url: str) -> None:
    accounts = Accounts(store)
    old = await accounts.add_user("li", "", ["viewer"], EVERYTHING, ADMIN, "r")
    new = await accounts.reset("li", ADMIN, "lost the first")
    assert await accounts.invitation(old) is None and await accounts.invitation(new) is not None
    await raw(store_url, "UPDATE console_invitation SET ends_at = 5")
    assert await accounts.invitation(new) is None
    with pytest.raises(AccountFault, match=r"invitation\.void"):
        await accounts.take_up(new, "", "", PASSWORD, "o")


async def test_failures_lock_out_for_all_nodes_also_those_who_try_at_once(make_store: OpenStore) -> None:
    stores = [make_store(), make_store()]
    for one in stores:
        await one.open()
    accounts = [await ready(stores[0]), Accounts(stores[1])]
    tries = [one.sign_in("li", f"wrong {number}", "o") for one in accounts for number in range(4)]
    refused = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(one, SignInRefused) for one in refused)
    row = await row_of(stores[1])
    assert row.failures == FREE_FAILURES and row.refused_until > clock.now_ms() + 20_000
    with pytest.raises(SignInRefused):
        await accounts[1].sign_in("li", PASSWORD, "o")
    for one in accounts:  # however often somebody goes on, it is one line
        with pytest.raises(SignInRefused):
            await one.sign_in("li", PASSWORD, "o")
    first, second, *_ = await stores[0].acts(subject="li")
    assert (first.act, first.detail, first.origin) == ("sign-in refused", {"at": "refused for a while"}, "o")
    assert second.detail == {"at": "password"}
    await accounts[0].unlock("li", ADMIN, "called me")
    assert (await accounts[1].sign_in("LI", PASSWORD, "o"))[1] == FULL
    assert (await row_of(stores[0])).failures == 0
    acts = [one for one in await stores[0].acts(subject="li") if one.detail != {"at": "refused for a while"}]
    assert [one.act for one in acts] == [
        "sign in", "unlock user", *["sign-in refused"] * FREE_FAILURES, "set up", "add user"
    ]  # fmt: skip
    for one in stores:
        await one.close()


async def test_the_second_factor_is_asked_counts_once_and_its_failures_add_up(store: Store) -> None:
    accounts = await ready(store)
    token, _ = await accounts.sign_in("li", PASSWORD, "o")
    user, session = await found(accounts, token)
    secret = await accounts.offer_totp(user)
    assert await accounts.offer_totp(await row_of(store)) == secret
    now = clock.now_ms() / 1000
    await Tokens(store).make("li", "nightly", 1, ADMIN, "r")
    codes = await accounts.confirm_totp(user, session, PASSWORD, totp.code_at(secret, now), "o")
    assert await store.tokens() == []
    half, kind = await accounts.sign_in("li", PASSWORD, "o")
    assert kind == SECOND
    _, second = await found(accounts, half)
    with pytest.raises(SignInRefused):  # it was used to enrol
        await accounts.second_factor(second, totp.code_at(secret, now), "o")
    assert (await row_of(store)).failures == 1
    full = await accounts.second_factor(second, totp.code_at(secret, now + 30), "o")
    assert await accounts.find(half) is None  # rotated
    assert (await found(accounts, full))[1].kind == FULL and (await row_of(store)).failures == 0
    _, second = await found(accounts, (await accounts.sign_in("li", PASSWORD, "o"))[0])
    await accounts.second_factor(second, codes[3], "o")
    _, second = await found(accounts, (await accounts.sign_in("li", PASSWORD, "o"))[0])
    with pytest.raises(SignInRefused):
        await accounts.second_factor(second, codes[3], "o")
    await accounts.sign_in("li", PASSWORD, "o")  # the password alone does not forgive a wrong code
    assert (await row_of(store)).failures == 1


async def found(accounts: Accounts, token: str) -> tuple[UserRow, SessionRow]:
    known = await accounts.find(token)
    assert known is not None
    return known


async def session(store: Store, **changes: int) -> str:
    now = clock.now_ms()
    row = SessionRow(hash_token("t"), "li", FULL, now, now, now + 60_000, "o")
    await store.start_session(replace(row, **changes), 1_800_000)
    return "t"


async def test_a_session_ends_unused_and_at_its_end(store: Store) -> None:
    await store.add_user(UserRow("li", "李", ("viewer",), state=ACTIVE), NewAct("w", "add user"))
    accounts, now = Accounts(store, Limits(idle_ms=10_000)), clock.now_ms()
    assert await accounts.find(await session(store)) is not None
    for changes in ({"seen_at": now - 10_001}, {"ends_at": now - 1}):
        await store.end_session(hash_token("t"), NewAct("li", "sign out"))
        assert await accounts.find(await session(store, **changes)) is None


async def test_being_seen_keeps_a_session_and_is_written_now_and_then(store: Store) -> None:
    await store.add_user(UserRow("li", "李", ("viewer",), state=ACTIVE), NewAct("w", "add user"))
    accounts, now = Accounts(store), clock.now_ms()
    await session(store, seen_at=now - 31_000)
    (_, stale), (_, fresh) = await found(accounts, "t"), await found(accounts, "t")
    assert stale.seen_at == now - 31_000 and fresh.seen_at >= now


async def test_lock_reset_and_new_roles_end_every_session(store: Store) -> None:
    accounts = await ready(store)
    for act in ("roles", "lock", "reset"):
        token, _ = await accounts.sign_in("li", PASSWORD, "o")
        if act == "roles":
            await accounts.set_roles("li", ["viewer"], EVERYTHING, ADMIN, "moved")
        elif act == "lock":
            await accounts.lock("li", ADMIN, "left")
            assert await accounts.find(token) is None
            await accounts.unlock("li", ADMIN, "came back")
        else:
            await accounts.reset("li", ADMIN, "forgot")
        assert await accounts.find(token) is None, act
    row = await row_of(store)
    assert (row.state, row.password) == (INVITED, "")
    with pytest.raises(SignInRefused):
        await accounts.sign_in("li", PASSWORD, "o")
    with pytest.raises(LookupError):
        await accounts.lock("nobody", ADMIN, "r")
    with pytest.raises(AccountFault, match=r"user\.self"):
        await accounts.lock("wang", ADMIN, "r")


async def test_a_locked_user_stays_locked_through_a_reset(store: Store) -> None:
    accounts = await ready(store)
    await accounts.lock("li", ADMIN, "left")
    link = await accounts.reset("li", ADMIN, "asked for")
    await accounts.take_up(link, "", "", PASSWORD, "o")
    assert (await row_of(store)).state == LOCKED


async def test_a_new_password_ends_the_other_sessions_and_the_tokens(store: Store) -> None:
    accounts = await ready(store)
    await Tokens(store).make("li", "nightly", 1, ADMIN, "r")
    mine, other = [(await accounts.sign_in("li", PASSWORD, "o"))[0] for _ in range(2)]
    user, own = await found(accounts, mine)
    with pytest.raises(AccountFault, match=r"password\.wrong"):
        await accounts.change_password(user, own, "not it", "ten owls count to 5", "o")
    assert len(await store.tokens()) == 1
    await accounts.change_password(user, own, PASSWORD, "ten owls count to 5", "o")
    assert await accounts.find(mine) is not None and await accounts.find(other) is None
    assert await store.tokens() == []


async def test_acts_of_all_nodes_are_one_chain(make_store: OpenStore) -> None:
    stores = [make_store(), make_store()]
    for one in stores:
        await one.open()
    await asyncio.gather(
        *(
            one.note_act("li", f"act {number}", "s", "r", {"n": number})
            for one in stores
            for number in range(20)
        )
    )
    await stores[0].pause_receiver("CZ", "li", "weekend", origin="10.0.0.7")
    checked = await stores[1].check_audit()
    assert (checked.lines, checked.broken_at) == (41, 0)
    last, *rest = await stores[1].find_acts(AuditFilter(limit=50))
    assert (last.id, last.act, last.subject, last.origin, last.hash) == (
        41,
        "pause",
        "CZ",
        "10.0.0.7",
        checked.head,
    )
    assert [one.id for one in rest] == list(range(40, 0, -1))
    for one in stores:
        await one.close()


@pytest.mark.parametrize(
    ("sql", "broken_at"),
    [
        ("UPDATE audit SET actor = 'zhao' WHERE id = 2", 2),
        ("UPDATE audit SET at = at + 1 WHERE id = 3", 3),
        ("DELETE FROM audit WHERE id = 2", 2),
        ("DELETE FROM audit WHERE id = 1", 1),
        ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE id = 1) WHERE id = 2", 2),
    ],
)
async def test_what_is_changed_in_the_audit_is_found(
    store: Store, store_url: str, sql: str, broken_at: int
) -> None:
    for number in range(4):
        await store.note_act("li", "act", f"s{number}", "", {})
    assert (await store.check_audit()).broken_at == 0
    await raw(store_url, sql)
    assert (await store.check_audit()).broken_at == broken_at


async def test_a_change_that_is_refused_leaves_no_line(store: Store) -> None:
    def refuse(row: UserRow, at: int) -> tuple[UserRow | None, None, Sequence[NewAct]]:
        raise AccountFault("test")

    await store.add_user(UserRow("li", "李", ("viewer",)), NewAct("w", "add user", "li"))
    with pytest.raises(AccountFault):
        await store.change_user("li", refuse)
    assert [one.act for one in await store.acts()] == ["add user"]


@pytest.mark.parametrize(
    ("wanted", "found_ids"),
    [
        (AuditFilter(actor="li"), [3, 1]),
        (AuditFilter(act="pause"), [2, 1]),
        (AuditFilter(subject="CZ"), [1]),
        (AuditFilter(text="周末"), [1]),
        (AuditFilter(text="100%"), [3]),
        (AuditFilter(text="m-77"), [3]),
        (AuditFilter(before=3, limit=1), [2]),
        (AuditFilter(until=5), []),
        (AuditFilter(since=5), [3, 2, 1]),
    ],
)
async def test_the_audit_is_searched(store: Store, wanted: AuditFilter, found_ids: list[int]) -> None:
    await store.note_act("li", "pause", "CZ", "周末维护", {})
    await store.note_act("wang", "pause", "ZPT", "", {})
    await store.note_act("li", "replay", "m", "100% sure", {"message": "m-77"})
    assert [one.id for one in await store.find_acts(wanted)] == found_ids


CITY_AUTHORITY, ROAD_AUTHORITY, OLD_AUTHORITY = "1" * 18, "2" * 18, "3" * 18
AUTHORITIES = Authorities(
    (
        Authority("", "310000", OLD_AUTHORITY, "旧", until=date(2026, 6, 30)),
        Authority("", "310000", CITY_AUTHORITY, "市"),
        Authority("ROAD", "310000", ROAD_AUTHORITY, "路", since=date(2026, 1, 1)),
        Authority("", "310115", CITY_AUTHORITY, "浦东"),
    )
)
SCOPES = [
    EVERYTHING,
    Scope(divisions=("310115",)),
    Scope(project_kinds=("02",)),
    Scope(divisions=("310000",), project_kinds=("01",)),
    *(Scope(authorities=(code,)) for code in (CITY_AUTHORITY, ROAD_AUTHORITY, OLD_AUTHORITY, "9" * 18)),
    Scope(authorities=(CITY_AUTHORITY, ROAD_AUTHORITY), divisions=("310000",)),
]


def cases() -> list[Application]:
    days = ("20251231", "20260101", "20260630", "20260701")
    shapes = [
        (tenderer, division, kind, day)
        for tenderer in ("ROAD", "OTHER")
        for division in ("310000", "310115", "310101")
        for kind in ("01", "02")
        for day in days
    ]
    return [
        Application(
            f"SQ-{number}", "HT-1", "20", "SUB", tenderer, ("P",), division, kind, "2026", 100, 0,
            opened_at=int(clock.parse_t(day).timestamp() * 1000), node_key=f"SQ-{number}",
        )
        for number, (tenderer, division, kind, day) in enumerate(shapes)
    ]  # fmt: skip


async def test_the_statement_bounds_as_the_rule_does(store: Store) -> None:
    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        for case in cases():
            ground.put(case)
        return Verdict(deliveries=())

    await accept_id(store, message("a", judge=judge))
    sizes = set()
    for scope in SCOPES:
        expected = {case.no for case in cases() if is_within(scope, case, AUTHORITIES)}
        total, rows = await store.applications(scope=scope, authorities=AUTHORITIES, limit=100)
        assert {row.no for row in rows} == expected and total == len(expected), scope
        sizes.add(total)
    assert len(sizes) > 4


def test_acts_that_were_kept_without_a_chain_become_its_first_lines(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    config = migration_config()
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        for number in range(3):
            connection.exec_driver_sql(
                "INSERT INTO operator_act (at, actor, act, subject, reason, detail) VALUES (?, 'li', 'pause', 'CZ', '周末', ?)",
                (number, '{"was_paused": false}'),
            )
    engine.dispose()

    async def look() -> None:
        store = open_store(f"sqlite:///{path}", tmp_path)
        await store.open()
        await store.note_act("wang", "resume", "CZ", "", {})
        checked = await store.check_audit()
        assert (checked.lines, checked.broken_at) == (4, 0)
        acts = await store.acts(subject="CZ")
        assert [(one.actor, one.at) for one in acts[1:]] == [("li", 2), ("li", 1), ("li", 0)]
        await store.close()

    asyncio.run(look())
