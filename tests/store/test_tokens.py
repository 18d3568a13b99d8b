"""Tokens and saved filters in the store."""

from __future__ import annotations

import pytest

from gateway.accounts import AccountFault
from gateway.store import Store
from gateway.store.accountrows import SavedFilter
from gateway.tokens import Tokens
from tests.store.test_accounts import ADMIN, ready


async def test_a_token_is_kept_hashed_used_and_forgotten(store: Store) -> None:
    accounts = await ready(store)
    token = await Tokens(accounts.store).make("Li", "report", 1, ADMIN, "r")
    (row,) = await store.tokens()
    assert (row.name, row.purpose, row.used_at) == ("li", "report", 0) and token not in repr(row)
    user = await Tokens(accounts.store).find(token)
    assert user is not None and user.name == "li"
    used = await store.token(row.hash)
    assert used is not None and used.used_at > 0
    assert (
        await Tokens(accounts.store).find("") is None and await Tokens(accounts.store).find("gwt_x") is None
    )
    await Tokens(accounts.store).make("li", "over", 0, ADMIN, "r")
    await Tokens(accounts.store).make("li", "other", 1, ADMIN, "r")  # forgets the one that is over
    assert sorted(one.purpose for one in await store.tokens()) == ["other", "report"]
    assert await Tokens(accounts.store).end(row.id, ADMIN, "leaked") == "li"
    assert await Tokens(accounts.store).find(token) is None
    for unknown in ("", row.id):
        with pytest.raises(AccountFault):
            await Tokens(accounts.store).end(unknown, ADMIN, "r")
    with pytest.raises(AccountFault):
        await Tokens(accounts.store).make("nobody", "", 1, ADMIN, "r")
    await accounts.reset("li", ADMIN, "lost")
    assert await store.tokens() == []


async def test_filters_are_a_users_own_replaced_by_title_and_bounded(store: Store) -> None:
    for title, query in (("b", "type=3001"), ("a", "state=stuck"), ("b", "type=4002")):
        assert await store.save_filter(SavedFilter("li", title, query, 1), 2)
    assert not await store.save_filter(SavedFilter("li", "c", "", 1), 2)
    assert await store.save_filter(SavedFilter("wang", "c", "", 1), 2)
    assert [(one.title, one.query) for one in await store.filters("li")] == [
        ("a", "state=stuck"), ("b", "type=4002"),
    ]  # fmt: skip
    await store.drop_filter("li", "a")
    assert [one.title for one in await store.filters("li")] == ["b"]
