"""The whole story: steps 1 and 2 for everybody, then every case, several at once, then the counting.

What is printed of it is the business of whoever runs it (`on_step`).
"""

from __future__ import annotations

import asyncio
import time

from gateway.sandbox import Sandbox, closing
from gateway.sandbox.acts import Cast, cast_of
from gateway.sandbox.cases import CASES, Case, World
from gateway.sandbox.people import Organisation, new_company, new_tenderer
from gateway.sandbox.place import GENERAL
from gateway.sandbox.stage import WAIT_S, CaseFailure, OnStep, Step, Story, StoryResult, settled
from gateway.sandbox.sub import SubPlatform
from gateway.sandbox.trade import Place, beside, new_purchase, new_works

CITY, DISTRICT = Place(), Place(level="2", adm_div="310115")
NOT_YET = Place(kind="02", level="2", adm_div="310115")
_AT_ONCE = 16
_LOGIN = "subjects, accounts, jumps, logout"


async def run_story(sandbox: Sandbox, on_step: OnStep, *, wait_s: float = WAIT_S) -> StoryResult:
    """Every case over the running platforms, with fresh companies and numbers; a second run over the same
    data works too. `on_step` is called as steps are done, of several cases at once."""
    story = Story(sandbox, on_step, wait_s=wait_s)
    world = await _found(story)
    if world is not None:
        room = asyncio.Semaphore(_AT_ONCE)

        async def play(name: str, case: Case) -> None:
            async with room:
                with story.case(name):
                    await case(world, name)

        await asyncio.gather(*(play(name, case) for name, case in CASES.items()))
        with story.case(closing.NAME):
            await closing.reconcile_day(story)
    story.failures += await settled(sandbox, wait_s)
    story.failures += sandbox.failures
    return story.result()


async def _found(story: Story) -> World | None:
    """Steps 1 and 2: without them there is nothing to go on with."""
    world: World | None = None
    with story.case(_LOGIN):
        company = new_company("上海浦江公路养护工程有限公司", "310115")
        other = new_company("上海申通市政养护有限公司", "310113")
        tenderer = new_tenderer("上海市公路养护事务中心", "310000", "125001")
        await register_all(story, [company, other, tenderer])
        await share_sessions(story, company)
        world = _cast(story, company, other, tenderer)
    if world is None:
        return None
    deals = {
        "construction deals": [(world.city, False), (world.ending, True), (world.uncovered, False)],
        "district deals": [(world.district, False)],
        "procurement deals": [(world.purchase, False)],
    }
    for name, several in deals.items():
        with story.case(name):
            for cast, below in several:
                await publish(story, name, cast, below=below)
    return None if story.failures else world


def _cast(story: Story, company: Organisation, other: Organisation, tenderer: Organisation) -> World:
    sandbox = story.sandbox
    city, pudong = sandbox.treasuries["310000"], sandbox.treasuries["310115"]
    works = new_works("G1503浦东段养护工程", tenderer, company, "11440000.00", CITY)
    district = new_works("浦东新区县道养护工程", tenderer, company, "3200000.00", DISTRICT)
    later = new_works("浦东新区市政道路养护工程", tenderer, company, "900000.00", NOT_YET)
    purchase = new_purchase("公路日常养护服务", tenderer, company, "5600000.00", CITY)
    return World(
        story,
        company,
        other,
        tenderer,
        city=cast_of(works, sandbox.construction, city),
        district=cast_of(district, sandbox.construction, pudong),
        purchase=cast_of(purchase, sandbox.procurement, city),
        ending=cast_of(beside(works, "800000.00"), sandbox.construction, city),
        uncovered=cast_of(later, sandbox.construction, pudong),
    )


# 1 login
async def register_all(story: Story, everybody: list[Organisation]) -> None:
    """Subjects go to both sub-platforms and both treasuries, accounts to the treasuries."""
    name, portal = _LOGIN, story.portal
    for one in everybody:
        watch = story.watch(name)
        await portal.register(one)
        for node in (*portal.subs, *portal.treasuries):
            await watch.arrived("1001", GENERAL, node, one.code)
        for account in one.accounts:
            watch = story.watch(name)
            await portal.register_account(one, account)
            for node in portal.treasuries:
                key = f"{one.code}|{account.no}|{account.bank_no}"
                await watch.arrived("1004", GENERAL, node, key)


async def share_sessions(story: Story, company: Organisation) -> None:
    """A subject's change at a sub-platform; jumps in both directions, by call and by message; logout."""
    name, sandbox = _LOGIN, story.sandbox
    subs: list[SubPlatform] = [sandbox.construction, sandbox.procurement]
    person = company.person("李明")
    for sub in subs:
        watch = story.watch(name)
        await sub.send("1001", sub.subject(company, f"李明{sub.node[-1]}"), company.code)
        await watch.arrived("1001", sub.node, GENERAL, company.code)
        started = time.monotonic()
        client = sandbox.general.client
        ticket = await client.issue_ticket(person.as_subject(), sub.node, "", sub.jump_url)
        told = await sub.redeem_message(ticket)
        story.expect(told.get("USER_ID") == person.user_id, f"1002 told {told.get('USER_ID')} at {sub.node}")
        ms = int((time.monotonic() - started) * 1000)
        story.tell(name, "1002", GENERAL, sub.node, "answered", ms)
        again = await client.issue_ticket(person.as_subject(), sub.node)
        story.expect((await sub.redeem(again))["Source"] == GENERAL, "1002 told another source")
        await story.refuse(name, "1002", sub.node, "20006", sub.redeem(again))
        elsewhere = await client.issue_ticket(person.as_subject(), sub.node)
        wrong = next(one for one in subs if one is not sub)
        await story.refuse(name, "1002", wrong.node, "20006", wrong.redeem(elsewhere))
    watch = story.watch(name)
    await story.portal.log_out(person)
    for sub in subs:
        await watch.arrived(
            "1003", GENERAL, sub.node, test=lambda entry: entry.body.get("USER_ID") == person.user_id
        )


# 2 the deal
async def publish(story: Story, name: str, cast: Cast, *, below: bool = False) -> None:
    """Project, tender, section, award, contract go to the general platform, each after its parent."""
    for number, record, key in cast.sub.messages_of(cast.deal, below=below):
        watch = story.watch(name)
        await cast.sub.send(number, record, key)
        await watch.arrived(number, cast.sub.node, GENERAL, key)


__all__ = ["CaseFailure", "OnStep", "Step", "StoryResult", "run_story"]
