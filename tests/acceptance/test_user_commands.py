"""`gateway user …` and the set-up link of the first start: no password is ever typed, shown or there by default."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import aiohttp

from gateway.cli.demousers import make_demo_users
from gateway.rights import ROLES, roles_fault
from gateway.settings import load_settings

from .partners import ROOT
from .test_dead_letter_commands import Terminal, terminal

__all__ = ["terminal"]


async def test_a_user_is_added_set_up_locked_unlocked_and_reset(terminal: Terminal) -> None:
    told = await terminal.run("user", "add", "Li", "--title", "李四", "--role", "operator", "--reason", "new")
    assert re.fullmatch(r"http://127\.0\.0\.1:8450/console/set-up/[\w-]{43}", told["link"])
    await terminal.run("user", "add", "li", "--role", "viewer", "--reason", "again", status=1)
    await terminal.run(
        "user", "add", "x1", "--role", "security", "--role", "audit", "--reason", "r", status=1
    )
    await terminal.run("user", "add", "x2", "--role", "department", "--reason", "r", status=1)
    await terminal.run(
        "user", "add", "bu", "--role", "department", "--division", "310000", "--kind", "01", "--reason", "r"
    )
    for act, state in (("lock", "locked"), ("unlock", "invited")):
        await terminal.run("user", act, "li", "--reason", act, "--actor", "wang")
        listed = (await terminal.run("user", "list"))["users"]
        assert [(one["name"], one["state"]) for one in listed] == [("bu", "invited"), ("li", state)]
    again = await terminal.run("user", "reset", "li", "--reason", "lost")
    assert again["link"] and again["link"] != told["link"]
    await terminal.run("user", "lock", "nobody", "--reason", "r", status=1)
    checked = await terminal.run("user", "audit")
    assert (checked["lines"], checked["broken_at"]) == (5, 0)
    store = terminal.store()
    await store.open()
    acts = [(one.act, one.actor, one.reason, one.origin) for one in await store.acts(subject="li")]
    assert acts[1] == ("unlock user", "wang", "unlock", "command line")
    row = await store.user("bu")
    assert row is not None and (row.scope.divisions, row.scope.project_kinds) == (("310000",), ("01",))
    await store.close()


async def test_a_token_is_made_listed_and_ended(terminal: Terminal) -> None:
    await terminal.run("user", "add", "li", "--role", "operator", "--reason", "r")
    told = await terminal.run("user", "token", "li", "--purpose", "report", "--days", "7", "--reason", "r")
    (listed,) = (await terminal.run("user", "tokens"))["tokens"]
    assert (listed["name"], listed["purpose"], listed["used"]) == ("li", "report", "")
    assert told["token"].startswith("gwt_") and told["token"] not in store_text(terminal.folder)
    await terminal.run("user", "untoken", listed["id"], "--reason", "leaked")
    assert (await terminal.run("user", "tokens"))["tokens"] == []
    await terminal.run("user", "token", "nobody", "--reason", "r", status=1)


async def test_the_first_start_offers_a_link_and_later_ones_do_not(terminal: Terminal) -> None:
    line = await started(terminal)
    found = re.search(r"http://\S+/console/set-up/([\w-]{43})", line)
    assert found is not None, line
    store = terminal.store()
    await store.open()
    assert await store.users() == [] and found.group(1) not in store_text(terminal.folder)
    await store.close()
    await terminal.run("user", "add", "li", "--role", "viewer", "--reason", "r")
    assert "set-up" not in await started(terminal)


def store_text(folder: Path) -> str:
    return "".join(path.read_bytes().decode("latin-1") for path in (folder / "var").glob("gateway.db*"))


async def started(terminal: Terminal) -> str:
    """What a start says on standard error; where it offers a link, the link's page is there."""
    environ = {**os.environ, **terminal.environ, "GATEWAY_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", "--announce", "--no-poll", "--while-stdin", "--log-level", "error",
        env=environ, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None and process.stdin is not None
    url = (await process.stdout.readline()).decode().split()[-1]
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/console/") as answer:
            assert answer.url.path == "/console/sign-in" and answer.status == 200
        process.stdin.close()
        said = (await process.stderr.read()).decode()
    await process.wait()
    return said


async def test_the_demo_has_one_user_of_each_role_with_a_password_of_its_own(terminal: Terminal) -> None:
    settings = load_settings(ROOT, environ=terminal.environ)
    made = await make_demo_users(settings)
    assert {name for name, _, _ in made} == {f"demo-{role}" for role in ROLES}
    assert len({password for _, _, password in made}) == len(ROLES)
    assert await make_demo_users(settings) == []
    store = terminal.store()
    await store.open()
    for row in await store.users():
        assert row.title.startswith("演示") and roles_fault(row.roles, row.scope) == ""
    await store.close()
