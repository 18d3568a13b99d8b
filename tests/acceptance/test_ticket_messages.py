"""1002, the ticket's redemption as a message: what is refused or sent again uses no ticket up."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.client import Refused, Reply
from gateway.message import Claims
from gateway.standard import Standard
from tests.acceptance.conftest import general_message
from tests.acceptance.partners import ROOT, identity, partner
from tests.acceptance.running import Running, running

GENERAL, CONSTRUCTION = "GGZY-ZPT", "GGZY-JSGC"
SUBJECT = {
    "UserId": "u1", "LegalCode": "91310000132206289R", "LegalName": "上海公路养护工程有限公司", "UserName": "王工",
    "Roles": "03", "AuthMethod": "01", "SessionId": "s1",
}  # fmt: skip
STANDARD = Standard.load(ROOT / "schemas")

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    async with running(folder) as started:
        yield started


async def issue(gateway: Running, client_ip: str = "") -> str:
    return await gateway.client(CONSTRUCTION).issue_ticket(SUBJECT, GENERAL, client_ip=client_ip)


def redemption(ticket: str, client_ip: str = "203.0.113.7") -> tuple[str, bytes]:
    record = {**STANDARD.sample("1002"), "Ticket": ticket, "TargetSystem": GENERAL, "ClientIp": client_ip}
    return general_message(STANDARD, "1002", record)


async def send(gateway: Running, key: str, data: bytes) -> Reply:
    return await gateway.client(GENERAL).submit("1002", data, idem_key=key, content_type="application/json")


def subject_of(reply: Reply) -> str:
    return str(json.loads(reply.payload)["Body"]["UserId"])


async def refusal(gateway: Running, key: str, data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        await send(gateway, key, data)
    return caught.value


async def test_a_refused_redemption_leaves_the_ticket_as_it_was(gateway: Running) -> None:
    own, token = partner(GENERAL), secrets.token_hex(16)

    async def post(number: str, key: str, data: bytes) -> int:
        claims = Claims(GENERAL, "GW", number, key, int(time.time()), token, "application/json")
        sealed = own.suite.seal(data, claims, identity(GENERAL), own.gateway)
        headers = {"Content-Type": own.suite.content_type, "Idempotency-Key": key}
        url = f"{gateway.url}/v1/messages/{number}"
        async with gateway.session.post(url, data=sealed, headers=headers) as answer:
            return answer.status

    assert await post("1001", *general_message(STANDARD, "1001", STANDARD.sample("1001"))) == 202
    key, data = redemption(await issue(gateway))
    assert await post("1002", key, data) == 409  # the token was used for the 1001
    assert subject_of(await send(gateway, key, data)) == "u1"


async def test_a_redemption_that_is_written_anew_gets_the_first_reply(gateway: Running) -> None:
    ticket = await issue(gateway)
    key, data = redemption(ticket)
    first = await send(gateway, key, data)
    again = json.loads(data)
    again["Head"]["RetryNo"] = 1
    retried = await send(gateway, key, json.dumps(again, ensure_ascii=False).encode())
    assert (retried.replayed, retried.payload) == (True, first.payload)
    with pytest.raises(Refused) as caught:
        await gateway.client(GENERAL).redeem_ticket(ticket)
    assert caught.value.result == "20006"


async def test_a_ticket_is_redeemed_from_the_address_that_it_is_bound_to(gateway: Running) -> None:
    ticket = await issue(gateway, client_ip="203.0.113.7")
    error = await refusal(gateway, *redemption(ticket, "203.0.113.8"))
    assert (error.status, error.result) == (409, "20006")
    assert subject_of(await send(gateway, *redemption(ticket))) == "u1"
