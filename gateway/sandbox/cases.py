"""The cases of steps 3 to 7: city, district and procurement, and every way back (DECISIONS.md 16)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from gateway.message import GATEWAY_NODE, Record
from gateway.sandbox.acts import Acts, Cast
from gateway.sandbox.applications import (
    Entry,
    new_certificate,
    new_e_invoice,
    new_scanned_invoice,
)
from gateway.sandbox.people import Organisation, with_stranger
from gateway.sandbox.place import GENERAL
from gateway.sandbox.stage import Story


@dataclass(slots=True)
class World:
    """What steps 1 and 2 leave behind for the others."""

    story: Story
    company: Organisation
    other: Organisation
    tenderer: Organisation
    city: Cast
    district: Cast
    purchase: Cast
    ending: Cast
    uncovered: Cast


Case = Callable[[World, str], Awaitable[None]]


# 3 to 7
async def city_road(world: World, name: str) -> None:
    """Begun and reviewed at the general platform: a digital invoice, a scan, wages, progress all along."""
    acts = Acts(world.story, name, world.city)
    deal = world.city.deal
    invoices = [new_e_invoice(deal, "1860000.00"), new_scanned_invoice(deal, "1000000.00")]
    await acts.apply(invoices=invoices, attachments=[new_certificate()], wages="400000.00")
    await acts.check_invoices(invoices)
    await acts.fetch_files()
    await acts.progress("20")
    await acts.approve()
    await acts.progress("30")
    await acts.push()
    await acts.progress("40")
    await acts.pay_to_the_end()


async def procurement(world: World, name: str) -> None:
    """Begun, reviewed and asked by jumps from the procurement platform; paid to the end."""
    acts = Acts(world.story, name, world.purchase)
    await acts.apply("980000.00", by_jump=True)
    await acts.progress("20")
    await acts.approve(by_jump=True)
    await acts.push()
    await acts.pay_to_the_end()


async def district_road(world: World, name: str) -> None:
    """Paid by Pudong's own treasury; begun by a jump from the construction platform."""
    acts = Acts(world.story, name, world.district)
    await acts.apply("650000.00", by_jump=True)
    await acts.approve(by_jump=True)
    await acts.push()
    await acts.pay_to_the_end()
    for division, treasury in world.story.sandbox.treasuries.items():
        here = bool(treasury.ledger.find("applied", "4002", test=lambda one: one.body["PayAppNo"] == acts.no))
        world.story.expect(
            here == (division == "310115"), f"4002 of the district came to the treasury {division}"
        )


async def tenderee_returns(world: World, name: str) -> None:
    acts = Acts(world.story, name, world.city)
    await acts.apply()
    await acts.turn_down(final=False)
    await acts.progress("31")
    await acts.correct()
    await acts.progress("20")
    await acts.approve()
    await acts.progress("30")


async def tenderee_refuses(world: World, name: str) -> None:
    acts = Acts(world.story, name, world.city)
    await acts.apply()
    await acts.turn_down(final=True)
    await acts.progress("99")
    await world.story.refuse(name, "3001", GENERAL, "30006", acts.portal.correct(acts.record))


async def _pushed(world: World, name: str, cast: Cast | None = None) -> Acts:
    acts = Acts(world.story, name, cast or world.city)
    await acts.apply()
    await acts.approve()
    await acts.push()
    return acts


async def takeover_refused(world: World, name: str) -> None:
    """签收失败, and pushed again under a new voucher number."""
    acts = await _pushed(world, name)
    await acts.refuse_takeover()
    await acts.progress("44")
    await acts.push()
    await acts.take_over()
    await acts.progress("42")


async def authority_returns(world: World, name: str) -> None:
    acts = await _pushed(world, name)
    await acts.take_over()
    await acts.authority_returns()
    await acts.progress("43")
    await acts.correct()
    await acts.approve()
    await acts.push()
    await acts.pay_to_the_end()


async def office_returns(world: World, name: str) -> None:
    """The payment office returns, the authority approves again, it is paid."""
    acts = await _pushed(world, name, world.purchase)
    await acts.take_over()
    await acts.authority_approves()
    await acts.office_returns()
    await acts.progress("51")
    await acts.authority_approves()
    await acts.send_to_bank()
    await acts.pay()
    await acts.progress("70")


async def office_then_authority(world: World, name: str) -> None:
    acts = await _pushed(world, name)
    await acts.take_over()
    await acts.authority_approves()
    await acts.office_returns()
    await acts.authority_returns()
    await acts.progress("43")


async def bank_fails(world: World, name: str) -> None:
    acts = await _pushed(world, name)
    await acts.take_over()
    await acts.authority_approves()
    await acts.send_to_bank()
    await acts.bank_fails()
    await acts.progress("51")
    await acts.authority_approves()
    await acts.send_to_bank()
    await acts.pay()
    await acts.progress("70")


async def paid_in_part(world: World, name: str) -> None:
    """Paid in part, refunded in part, then in full."""
    acts = await _pushed(world, name, world.district)
    await acts.take_over()
    await acts.authority_approves()
    await acts.send_to_bank()
    await acts.pay("60000.00")
    await acts.progress("71")
    await acts.refund("20000.00")
    await acts.progress("81")
    await acts.refund()
    await acts.progress("80")


async def refunded(world: World, name: str) -> None:
    """Paid in full and refunded in full."""
    acts = await _pushed(world, name, world.purchase)
    await acts.pay_to_the_end()
    await acts.refund()
    await acts.progress("80")


async def withdrawn_before(world: World, name: str) -> None:
    acts = Acts(world.story, name, world.city)
    await acts.apply()
    await acts.withdraw()
    await acts.progress("90")
    asked = [one.ledger.find("request", "3004", acts.no) for one in world.story.sandbox.treasuries.values()]
    world.story.expect(not any(asked), "3004 before the push went to a treasury")


async def withdrawn_after(world: World, name: str) -> None:
    """The treasury is asked, and agrees."""
    acts = await _pushed(world, name)
    await acts.take_over()
    await acts.withdraw(pushed=True)
    await acts.progress("42")
    await acts.withdrawal_granted()
    await acts.progress("90")


async def contract_ended(world: World, name: str) -> None:
    """The deal is void while an application is under way: it can neither be pushed nor followed."""
    story, cast = world.story, world.ending
    acts = Acts(story, name, cast)
    await acts.apply()
    await acts.approve()
    watch = acts.watch()
    deal = cast.deal
    await cast.sub.send("2005", cast.sub.exception(deal, "经双方协商一致解除合同"), f"{deal.unified}|1")
    await watch.arrived("2005", cast.sub.node, GENERAL, f"{deal.unified}|1")
    refused = acts.portal.push(acts.record, cast.treasury.node)
    await story.refuse(name, "4002", GENERAL, "30006", refused)
    await story.refuse(
        name,
        "3001",
        GENERAL,
        "30006",
        acts.portal.apply(deal, [new_e_invoice(deal, "1000.00")], cast.applicant, Entry(GENERAL)),
    )


async def refusals(world: World, name: str) -> None:
    """What must not pass: uncovered, unregistered, above the balance, out of turn, somebody else's."""
    story, cast, portal = world.story, world.city, world.story.portal
    later = world.uncovered
    refused = await story.refuse(
        name,
        "3001",
        GENERAL,
        "30009",
        portal.apply(later.deal, [new_e_invoice(later.deal, "1000.00")], later.applicant, Entry(GENERAL)),
    )
    told = str(refused.errors)
    story.expect("310115" in told and "2021" in told, f"3001 was refused without what is covered: {told}")
    await story.refuse(
        name,
        "3001",
        GENERAL,
        "30011",
        portal.apply(cast.deal, [new_e_invoice(cast.deal, "99000000.00")], cast.applicant, Entry(GENERAL)),
    )
    stranger = replace(
        cast.deal.winner, accounts=(with_stranger(cast.deal.winner), *cast.deal.winner.accounts[1:])
    )
    unknown = replace(cast.deal, winner=stranger)
    await story.refuse(
        name,
        "3001",
        GENERAL,
        "30012",
        portal.apply(unknown, [new_e_invoice(unknown, "1000.00")], cast.applicant, Entry(GENERAL)),
    )
    acts = Acts(story, name, cast)
    await acts.apply("50000.00")
    await story.refuse(name, "4002", GENERAL, "30006", _early_push(acts))
    await story.refuse(name, "3001", GENERAL, "90003", _same_key(acts), step=3)
    client = story.sandbox.general.client
    other = world.other.code
    await story.refuse(name, "6001", GENERAL, "30003", client.progress(acts.no, other))
    mine = await client.progress({"party": world.company.code, "size": "100"}, world.company.code)
    theirs = await client.progress({"contract_no": cast.deal.contract}, other)
    story.expect(mine["Total"] > 0 and theirs["Total"] == 0, "6001 showed somebody else's cases")
    story.tell(name, "6001", GENERAL, GATEWAY_NODE, "answered", 0)
    await story.refuse(
        name, "6001", world.purchase.sub.node, "30003", world.purchase.sub.client.progress(acts.no)
    )


async def _early_push(acts: Acts) -> None:
    """A push that nobody has reviewed."""
    review: Record = {
        "ApprovedAmount": acts.record["AppAmount"],
        "ReviewNode": "03",
        "ReviewResult": "1",
        "ReviewerId": acts.cast.head.user_id,
        "ReviewerName": acts.cast.head.name,
        "ReviewTime": acts.record["ApplyTime"],
    }
    await acts.portal.push_as_if(acts.record, review)


async def _same_key(acts: Acts) -> None:
    """Another content under the key of the application that was taken over."""
    await acts.portal.general.submit("3001", {**acts.record, "UseDes": "换了内容"}, 1)


CASES: dict[str, Case] = {
    "city road, paid": city_road,
    "procurement by jumps, paid": procurement,
    "Pudong road, paid by its treasury": district_road,
    "tenderee returns, corrected": tenderee_returns,
    "tenderee refuses for good": tenderee_refuses,
    "treasury refuses to take over": takeover_refused,
    "authority returns": authority_returns,
    "payment office returns, paid": office_returns,
    "payment office, then authority return": office_then_authority,
    "bank fails": bank_fails,
    "paid in part, refunds": paid_in_part,
    "paid, refunded in full": refunded,
    "withdrawn before the push": withdrawn_before,
    "withdrawn after the push": withdrawn_after,
    "contract ended": contract_ended,
    "refusals": refusals,
}
