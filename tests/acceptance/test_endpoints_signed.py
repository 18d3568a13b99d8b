"""Calls without a sealed body: signatures, tickets, progress, messages, receipts; with real keys of each suite."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
import pytest_asyncio

from gateway import clock
from gateway.client import PlatformClient, Refused
from gateway.message import Claims
from gateway.security.httpsig import sign_request
from gateway.standard import Standard
from gateway.standard import head as heads
from tests.acceptance.partners import ROOT, identity, partner
from tests.acceptance.running import Running, running
from tests.console.seed import NO, fill

GENERAL, CONSTRUCTION, PROCUREMENT, CITY, PUDONG = (
    "GGZY-ZPT", "GGZY-JSGC", "GGZY-ZFCG", "CZ-ZFPT-310000", "CZ-ZFPT-310115",
)  # fmt: skip
TENDERER, PAYEE, STRANGER = "12310000425010220N", "91310000132206289R", "91310115T031010274"
SUBJECT = {
    "UserId": "u1", "LegalCode": PAYEE, "LegalName": "上海浦江公路养护工程有限公司", "AuthMethod": "01", "SessionId": "s1",
    "UserName": "王工", "Roles": "03",
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    async with running(folder) as started:
        await fill(started.store, Standard.load(ROOT / "schemas"))
        yield started


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def refused(call: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await call
    return caught.value


# signatures
async def raw(
    gateway: Running, node: str, method: str, path: str, *, body: bytes = b"", created: int = 0,
    nonce: str = "", signed_path: str = "", sent_body: bytes | None = None, headers: dict[str, str] | None = None,
) -> tuple[int, Any]:  # fmt: skip
    """A call signed as said and then sent as said; (status, problem)."""
    signature = sign_request(
        method, gateway.url + (signed_path or path), headers or {}, body, identity(node),
        created or int(time.time()), nonce or secrets.token_hex(8),
    )  # fmt: skip
    data = body if sent_body is None else sent_body
    async with gateway.session.request(
        method, gateway.url + path, data=data or None, headers={**(headers or {}), **signature}
    ) as answer:
        content = await answer.read()
        return answer.status, orjson.loads(content) if answer.status >= 400 else {}


@pytest.mark.parametrize("node", [GENERAL, CONSTRUCTION, PROCUREMENT, CITY])
async def test_every_kind_of_key_can_sign_a_call(gateway: Running, node: str) -> None:
    assert (await raw(gateway, node, "GET", "/v1/applications?page=1"))[0] == 200


async def test_a_nonce_works_once(gateway: Running) -> None:
    nonce = secrets.token_hex(8)
    assert (await raw(gateway, GENERAL, "GET", "/v1/applications", nonce=nonce))[0] == 200
    status, problem = await raw(gateway, GENERAL, "GET", "/v1/applications", nonce=nonce)
    assert (status, problem["result"]) == (401, "20006")


@pytest.mark.parametrize("age_s", [61 + 5, -61 - 5])
async def test_an_old_or_future_signature_is_stale(gateway: Running, age_s: int) -> None:
    status, problem = await raw(gateway, GENERAL, "GET", "/v1/applications", created=int(time.time()) - age_s)
    assert (status, problem["result"]) == (401, "20005")


async def test_another_target_than_the_signed_one_is_refused(gateway: Running) -> None:
    status, problem = await raw(
        gateway, GENERAL, "GET", f"/v1/applications?party={STRANGER}", signed_path="/v1/applications"
    )
    assert (status, problem["result"]) == (401, "20001")


@pytest.mark.parametrize("sent", [b'{"Ticket":"b"}', b""])
async def test_another_body_than_the_signed_one_is_refused(gateway: Running, sent: bytes) -> None:
    status, problem = await raw(
        gateway, GENERAL, "POST", "/v1/tickets/redeem", body=b'{"Ticket":"a"}', sent_body=sent
    )
    assert (status, problem["result"]) == (401, "20001")


async def test_a_body_that_nobody_signed_is_refused(gateway: Running) -> None:
    status, problem = await raw(gateway, GENERAL, "POST", "/v1/tickets/redeem", sent_body=b'{"Ticket":"a"}')
    assert (status, problem["result"]) == (401, "20001")


# tickets
@pytest.mark.parametrize("source", [CONSTRUCTION, PROCUREMENT])
async def test_a_jump_to_the_general_platform_and_only_once(gateway: Running, source: str) -> None:
    sub, general = gateway.client(source), gateway.client(GENERAL)
    ticket = await sub.issue_ticket(SUBJECT, GENERAL, NO, "https://general.example/apply", "203.0.113.7")
    got = await general.redeem_ticket(ticket, "203.0.113.7")
    assert (got["UserId"], got["LegalCode"], got["SessionId"]) == ("u1", PAYEE, "s1")
    assert (got["Source"], got["BizContext"], got["TargetUrl"]) == (
        source,
        NO,
        "https://general.example/apply",
    )
    again = await refused(general.redeem_ticket(ticket, "203.0.113.7"))
    assert (again.status, again.result) == (409, "20006")


async def test_a_ticket_is_for_its_target_alone(gateway: Running) -> None:
    ticket = await gateway.client(GENERAL).issue_ticket(SUBJECT, CONSTRUCTION)
    stolen = await refused(gateway.client(PROCUREMENT).redeem_ticket(ticket))
    assert stolen.result == "20006"
    assert (await gateway.client(CONSTRUCTION).redeem_ticket(ticket))["UserId"] == "u1"


async def test_a_ticket_is_bound_to_the_browser_s_address(gateway: Running) -> None:
    ticket = await gateway.client(CONSTRUCTION).issue_ticket(SUBJECT, GENERAL, client_ip="203.0.113.7")
    assert (await refused(gateway.client(GENERAL).redeem_ticket(ticket, "203.0.113.8"))).result == "20006"


async def test_a_ticket_leads_to_registered_addresses_only(gateway: Running) -> None:
    error = await refused(
        gateway.client(CONSTRUCTION).issue_ticket(SUBJECT, GENERAL, target_url="https://evil.example/")
    )
    assert (error.status, error.errors[0]["path"]) == (403, "TargetUrl")


async def test_every_fault_of_a_ticket_request_is_told_at_once(gateway: Running) -> None:
    error = await refused(gateway.client(CONSTRUCTION).issue_ticket({"UserId": "u" * 65, "Shoe": "9"}, ""))
    assert {one["path"] for one in error.errors} == {
        "Subject/UserId", "Subject/Shoe", "Subject/LegalCode", "Subject/LegalName", "Subject/AuthMethod",
        "Subject/SessionId", "Target",
    }  # fmt: skip


async def test_a_ticket_holds_only_what_its_redemption_can_tell(gateway: Running) -> None:
    wrong = {"AuthMethod": "99", "Roles": "zz", "UserName": "\x00", "LegalName": "\x01"}
    error = await refused(gateway.client(CONSTRUCTION).issue_ticket({**SUBJECT, **wrong}, GENERAL))
    assert error.status == 422
    assert {one["path"] for one in error.errors} == {f"Subject/{name}" for name in wrong}


# progress
@pytest.mark.parametrize(
    ("node", "subject", "seen"),
    [
        (GENERAL, "", True),
        (GENERAL, TENDERER, True),
        (GENERAL, PAYEE, True),
        (GENERAL, STRANGER, False),
        (CONSTRUCTION, PAYEE, True),
        (CONSTRUCTION, STRANGER, False),
        (PROCUREMENT, "", False),
        (PROCUREMENT, PAYEE, False),
        (CITY, "", True),
        (PUDONG, "", False),
    ],
)
async def test_a_case_is_seen_by_whom_it_concerns(
    gateway: Running, node: str, subject: str, seen: bool
) -> None:
    client = gateway.client(node)
    listed = await client.progress({"contract_no": contract_no()}, subject)
    assert listed["Total"] == (2 if seen else 0)
    if seen:
        item = await client.progress(NO, subject)
        assert (item["PayAppNo"], item["Status"], item["AppAmount"]) == (NO, "60", "1250000.50")
        assert item["Trace"]["Step"][-1]["Result"] == "已存未用"
    else:
        error = await refused(client.progress(NO, subject))
        assert (error.status, error.result) == (404, "30003")


def contract_no() -> str:
    return str(Standard.load(ROOT / "schemas").sample("2003")["ContractNo"])


async def test_a_subject_that_was_not_signed_does_not_count(gateway: Running) -> None:
    url = f"{gateway.url}/v1/applications/{NO}"
    signature = sign_request("GET", url, {}, b"", identity(GENERAL), int(time.time()), secrets.token_hex(8))
    async with gateway.session.get(url, headers={**signature, "On-Behalf-Of": PAYEE}) as answer:
        assert answer.status == 401


async def test_pages_and_conditions(gateway: Running) -> None:
    client = gateway.client(GENERAL)
    first = await client.progress({"size": "1", "page": "1"})
    second = await client.progress({"size": "1", "page": "2"})
    assert {first["Items"][0]["PayAppNo"], second["Items"][0]["PayAppNo"]} > {NO}
    assert (await client.progress({"party": STRANGER}))["Total"] == 0
    assert (await client.progress({"to": "20200101"}))["Total"] == 0
    assert (await client.progress({"from": "20200101", "party": PAYEE}))["Total"] == 2


async def test_every_wrong_condition_is_told(gateway: Running) -> None:
    error = await refused(gateway.client(GENERAL).progress({"from": "2024", "size": "0", "shoe": "9"}))
    assert error.status == 400
    assert {one["path"] for one in error.errors} == {"from", "size", "shoe"}


# messages and receipts
def heartbeat(standard: Standard) -> tuple[bytes, str]:
    """A 9001 in the standard's JSON form, and its key."""
    record = {"Time": clock.t17()}
    message_id = secrets.token_hex(16)
    biz_key = standard.business_key("9001", record)
    key = heads.idem_key("9001", GENERAL, biz_key, "1", "1")
    now = clock.t17()
    head = {
        "Ver": "1.0", "MsgNo": "9001", "MsgId": message_id, "MsgRef": message_id, "Src": GENERAL, "Des": "GW",
        "AdmDivCode": "310000", "StYear": now[:4], "BizType": standard.catalogue.get("9001").step,
        "BizKey": biz_key, "BizVersion": "1", "OperType": "1", "IdemKey": key,
        "BodyDigest": heads.body_digest(standard.build("9001", record)), "WorkDate": now[:8], "SendTime": now,
        "RetryNo": "0",
    }  # fmt: skip
    return orjson.dumps({"Head": head, "Body": standard.to_json("9001", record)}), key


async def send_heartbeat(client: PlatformClient) -> str:
    payload, key = heartbeat(Standard.load(ROOT / "schemas"))
    reply = await client.submit("9001", payload, idem_key=key, content_type="application/json")
    assert reply.status == 202
    again = await client.submit("9001", payload, idem_key=key, content_type="application/json")
    assert (again.replayed, again.payload, again.receipt) == (True, reply.payload, reply.receipt)
    return reply.message_id


async def test_a_message_its_state_and_its_receipt(gateway: Running) -> None:
    client = gateway.client(GENERAL)
    number = await send_heartbeat(client)
    told = await client.message(number)
    assert (told["Id"], told["Type"], told["State"]) == (number, "9001", "delivered")
    assert told["Timeline"]
    receipt = await client.receipt(number)
    assert receipt["message"]["message_id"] == number
    verdict = await client.call("POST", "/v1/receipts/verify", body=orjson.dumps(receipt))
    assert (verdict["Valid"], verdict["MessageId"]) == (True, number)
    receipt["checkpoint"]["key_id"] += "x"  # nothing signs it, so nothing may be said of it
    verdict = await client.call("POST", "/v1/receipts/verify", body=orjson.dumps(receipt))
    assert verdict["Valid"] is False
    receipt["message"]["sender"] = CONSTRUCTION
    verdict = await client.call("POST", "/v1/receipts/verify", body=orjson.dumps(receipt))
    assert verdict["Valid"] is False


async def test_a_trace_never_decides_over_a_message(gateway: Running) -> None:
    own, address = partner(GENERAL), urlsplit(gateway.url)
    payload, key = heartbeat(Standard.load(ROOT / "schemas"))
    claims = Claims(GENERAL, "GW", "9001", key, int(time.time()), secrets.token_hex(8), "application/json")
    sealed = own.suite.seal(payload, claims, identity(GENERAL), own.gateway)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    lines = [
        b"POST /v1/messages/9001 HTTP/1.1", b"Host: x", b"Content-Type: application/jose",
        f"Idempotency-Key: {key}".encode(), b"Content-Length: %d" % len(sealed), b"traceparent: \xff\xfe",
    ]  # fmt: skip
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + sealed)
    assert (await reader.readline()).split()[1] == b"202"
    writer.close()


async def test_a_receiver_sees_its_delivery_and_a_stranger_nothing(gateway: Running) -> None:
    [row] = [one for one in await gateway.store.search(_filter("1001")) if one.sender == GENERAL]
    told = await gateway.client(PROCUREMENT).message(row.id)
    assert [one["Receiver"] for one in told["Deliveries"]] == [PROCUREMENT]
    assert "Timeline" not in told
    for call in (gateway.client(CITY).message(row.id), gateway.client(CITY).receipt(row.id)):
        error = await refused(call)
        assert (error.status, error.result) == (404, "30003")


def _filter(number: str) -> Any:
    from gateway.store.contract import MessageFilter

    return MessageFilter(type=number)
