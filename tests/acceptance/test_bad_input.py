"""Bad input at the door: a clear refusal with a stable code; nothing lost, nothing changed."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace

import aiohttp
import pytest

from gateway import clock
from gateway.client import Refused
from gateway.message import Claims
from gateway.sandbox.place import PROCUREMENT
from gateway.security.suite import suites

from .conftest import House

JSON = "application/json"


async def post(
    house: House,
    number: str,
    data: bytes | io.BytesIO,
    key: str | None,
    content_type: str = "application/jose",
) -> tuple[int, dict]:
    headers = {"Content-Type": content_type, **({"Idempotency-Key": key} if key else {})}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{house.url}/v1/messages/{number}", data=data, headers=headers) as response,
    ):
        body = await response.read()
        said = json.loads(body) if response.content_type == "application/problem+json" else {}
        return response.status, said


async def refused(house: House, number: str, payload: bytes, key: str = "k" * 64) -> Refused:
    with pytest.raises(Refused) as caught:
        await house.general.submit(number, payload, idem_key=key, content_type=JSON)
    return caught.value


async def nothing_stored(house: House) -> bool:
    return (await house.gateway.store.counts()).messages == 0


@pytest.mark.parametrize(
    ("payload", "result"),
    [
        (b'{"Head": {', "10001"),
        (b"", "10001"),
        (b"[" * 4000 + b"]" * 4000, "10001"),
        (b'{"Head": {"MsgNo": "1001", "MsgNo": "1001"}, "Body": {}}', "10001"),
        (b'{"Head": {}, "Body": {"RegCapital": NaN}}', "10001"),
        ('{"Head": {}, "Body": {"LegalName": "公路"}}'.encode("gbk"), "10004"),
    ],
)
async def test_what_is_no_json_of_ours_is_refused(house: House, payload: bytes, result: str) -> None:
    error = await refused(house, "1001", payload)
    assert error.result == result and error.sealed
    assert await nothing_stored(house)


@pytest.mark.parametrize(
    ("payload", "result"),
    [
        (b"<DES><TITLE>", "10001"),
        (b"<!DOCTYPE DES [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><DES>&x;</DES>", "10001"),
        (b"<a>" * 200 + b"</a>" * 200, "10001"),
        ('<?xml version="1.0" encoding="UTF-8"?><DES>公路</DES>'.encode("gbk"), "10004"),
        (b"<OTHER/>", "10003"),
    ],
)
async def test_what_is_no_xml_of_ours_is_refused(house: House, payload: bytes, result: str) -> None:
    client = house.sandbox.construction.client
    with pytest.raises(Refused) as caught:
        await client.submit("2001", payload, idem_key="x" * 64, content_type="application/xml")
    assert caught.value.result == result
    assert await nothing_stored(house)


async def test_an_oversized_body_is_cut_off_while_it_is_read(house: House) -> None:
    status, said = await post(house, "1001", io.BytesIO(b"x" * (9 * 1024 * 1024)), "k")
    assert (status, said["result"]) == (413, "10002")


async def test_a_wrong_content_type_is_refused(house: House) -> None:
    status, said = await post(house, "1001", b"{}", "k", JSON)
    assert (status, said["code"]) == (415, "http.content-type")


async def test_a_missing_idempotency_key_is_refused(house: House) -> None:
    status, said = await post(house, "1001", b"x", None)
    assert (status, said["code"]) == (400, "key.missing")


async def test_what_is_not_sealed_gets_one_answer_whatever_is_wrong(house: House) -> None:
    key, data = house.message("1001", house.subject())
    sealed = house.general.seal(data, "1001", key, JSON)
    parts = sealed.split(b".")
    tampered = b".".join((*parts[:3], parts[3][:-2] + b"AA", parts[4]))
    answers = [await post(house, "1001", body, key) for body in (data, tampered, sealed[:-9], b"a.b.c.d.e")]
    assert {(status, said["result"], said["detail"]) for status, said in answers} == {
        (401, "20001", answers[0][1]["detail"])
    }
    assert await nothing_stored(house)


async def test_an_unknown_type_is_refused(house: House) -> None:
    error = await refused(house, "1999", b'{"Head": {}, "Body": {}}')
    assert (error.status, error.result) == (404, "10005")


async def test_a_type_that_the_platform_may_not_send_is_refused(house: House) -> None:
    key, data = house.message("5001", house.standard.sample("5001"))
    assert (await refused(house, "5001", data, key)).result == "20007"


def sealed_with(house: House, payload: bytes, **changes: object) -> bytes:
    client = house.general
    claims = Claims(
        sender="GGZY-ZPT", receiver="GW", msg_type="1001", idem_key="k" * 64,
        issued_at=int(clock.now().timestamp()), jti="j" * 32, content_type=JSON,
    )  # fmt: skip
    return client.suite.seal(payload, replace(claims, **changes), client.identity, client.gateway)


async def unsealed(house: House, data: bytes, key: str) -> dict:
    headers = {"Content-Type": "application/jose", "Idempotency-Key": key}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{house.url}/v1/messages/1001", data=data, headers=headers) as response,
    ):
        body = await response.read()
        client = house.general
        opened = client.suite.unseal(body, client.identity, client.trust, clock.now())
        return json.loads(opened.payload)


async def test_a_stale_seal_is_refused_with_the_gateways_time(house: House) -> None:
    key, data = house.message("1001", house.subject())
    said = await unsealed(
        house, sealed_with(house, data, idem_key=key, issued_at=int(clock.now().timestamp()) - 400), key
    )
    assert said["result"] == "20005" and clock.d8() in said["detail"]


async def test_a_re_addressed_message_is_refused(house: House) -> None:
    key, data = house.message("1001", house.subject())
    assert (await unsealed(house, sealed_with(house, data, idem_key=key, receiver="GGZY-JSGC"), key))[
        "result"
    ] == "20007"


async def test_a_message_that_is_posted_as_another_type_than_was_signed_is_refused(house: House) -> None:
    key, data = house.message("1001", house.subject())
    said = await unsealed(house, sealed_with(house, data, idem_key=key, msg_type="3001"), key)
    assert (said["result"], said["code"]) == ("20007", "seal.re-addressed")


async def test_a_platforms_seal_in_another_suite_than_was_agreed_is_refused(house: House) -> None:
    """It holds, under a certificate that is registered; procurement's suite is another one all the same."""
    key, data = house.message("1001", house.subject())
    own = house.sandbox.get(PROCUREMENT).client
    claims = Claims(PROCUREMENT, "GW", "1001", key, int(clock.now().timestamp()), "j" * 32, JSON)
    jose = suites.get("jose")
    assert own.suite is not jose
    sealed = jose.seal(data, claims, own.identity, replace(own.gateway, algorithms={}))
    status, said = await post(house, "1001", sealed, key)
    assert (status, said["result"]) == (401, "20001")


async def test_a_key_that_was_not_signed_is_refused(house: House) -> None:
    key, data = house.message("1001", house.subject())
    assert (await unsealed(house, sealed_with(house, data, idem_key=key), "other"))["result"] == "20007"


async def test_a_seal_by_another_platforms_key_is_refused(house: House) -> None:
    """Construction's key under the general platform's name: chains to a root, and still proves nothing."""
    key, data = house.message("1001", house.subject())
    own = house.sandbox.construction.client
    claims = Claims("GGZY-ZPT", "GW", "1001", key, int(clock.now().timestamp()), "j" * 32, JSON)
    status, said = await post(house, "1001", own.suite.seal(data, claims, own.identity, own.gateway), key)
    assert (status, said["result"]) == (401, "20001")


async def test_the_same_token_for_other_content_is_a_replay(house: House) -> None:
    key, data = house.message("1001", house.subject())
    first = await unsealed(house, sealed_with(house, data, idem_key=key), key)
    assert first["Body"]["Result"] == "00000"
    other_key, other = house.message("1001", house.subject("上海另一养护有限公司"), "2")
    assert (await unsealed(house, sealed_with(house, other, idem_key=other_key), other_key))[
        "result"
    ] == "20006"


async def test_the_same_key_gets_the_first_reply_again_byte_for_byte(house: House) -> None:
    key, data = house.message("1001", house.subject())
    first = await house.general.submit("1001", data, idem_key=key, content_type=JSON)
    again = await house.general.submit("1001", data, idem_key=key, content_type=JSON)
    assert again.replayed and not first.replayed
    assert again.payload == first.payload
    await house.restart()
    later = await house.general.submit("1001", data, idem_key=key, content_type=JSON)
    assert later.replayed and later.payload == first.payload


async def test_the_same_key_with_other_content_is_refused(house: House) -> None:
    key, data = house.message("1001", house.subject())
    await house.general.submit("1001", data, idem_key=key, content_type=JSON)
    number = house.standard.catalogue.get("1001").number
    changed = json.loads(data)
    changed["Body"]["LegalName"] = changed["Body"]["BasicAcctName"] = "上海另一养护有限公司"
    body = house.standard.build(number, house.standard.from_json(number, changed["Body"]))
    from gateway.standard import head as heads

    changed["Head"]["BodyDigest"] = heads.body_digest(body)
    error = await refused(house, "1001", json.dumps(changed, ensure_ascii=False).encode(), key)
    assert (error.status, error.result) == (422, "90003")


async def test_one_of_many_at_once_is_first_and_all_get_its_outcome(house: House) -> None:
    key, data = house.message("1001", house.subject())

    async def once() -> str:
        return (await house.general.submit("1001", data, idem_key=key, content_type=JSON)).message_id

    ids = await asyncio.gather(*(once() for _ in range(20)))
    assert len(set(ids)) == 1
    assert (await house.gateway.store.counts()).messages == 1


async def test_a_refusal_binds_nothing(house: House) -> None:
    key, data = house.message("1001", house.subject())
    broken = json.loads(data)
    del broken["Body"]["LegalName"]
    assert (await refused(house, "1001", json.dumps(broken).encode(), key)).status == 422
    assert (await house.general.submit("1001", data, idem_key=key, content_type=JSON)).status == 202


async def test_a_refusal_names_every_fault_in_both_languages(house: House) -> None:
    record = {
        **house.subject(),
        "LegalCode": "913100000000000000",
        "SubjectStatus": "7",
        "RegionCode": "999999",
    }
    del record["LegalName"]
    key, data = house.message("1001", record)
    error = await refused(house, "1001", data, key)
    places = {one["path"] for one in error.errors}
    assert {"LegalCode", "SubjectStatus", "RegionCode", "LegalName"} <= places
    assert all(one["message"]["zh"] and one["message"]["en"] and one["rule"] for one in error.errors)


async def test_a_refusal_speaks_the_senders_own_field_names(house: House) -> None:
    text = (
        "<DES><TITLE><CA_KEY>8</CA_KEY><DATA_CN>项目</DATA_CN><DATA_EN>PROJECT</DATA_EN>"
        "<DATA_KEY>9120500202604010000001</DATA_KEY><DATA_NO>500</DATA_NO><DATA_TYPE>1</DATA_TYPE><ROUTE_WAY>0</ROUTE_WAY>"
        "</TITLE><CONTEXT><PROJECT_CODE>SHORT</PROJECT_CODE><REGION_CODE>999999</REGION_CODE></CONTEXT></DES>"
    )
    client = house.sandbox.construction.client
    key = (
        house.gateway.intake.translator.format_of(house.gateway.settings.platforms["GGZY-JSGC"])
        .decode(text.encode())
        .head["IdemKey"]
    )
    with pytest.raises(Refused) as caught:
        await client.submit("2001", text.encode(), idem_key=key, content_type="application/xml")
    refusal = caught.value
    places = {one["path"] for one in refusal.errors}
    assert {"PROJECT_CODE", "PROJECT_NAME", "REGION_CODE"} <= {place.rpartition("/")[2] for place in places}
    (code,) = [one for one in refusal.errors if one["path"].endswith("PROJECT_CODE")]
    assert (code["line"], code["column"]) == (1, text.index("<PROJECT_CODE>") + 1)
    assert refusal.problem["STATUS"] == "-1"
    said = refusal.problem["MSG"].split("\n")
    assert len(said) == len(refusal.errors)
    for line, one in zip(said, refusal.errors, strict=True):
        for part in (one["path"], one["rule"], one["message"]["zh"], one["message"]["en"], one["mend"]["zh"]):
            assert part in line


@pytest.mark.parametrize(
    ("name", "value"), [("BizVersion", "abc"), ("BizVersion", "9" * 20), ("OperType", "9"), ("MsgId", "<&>")]
)
async def test_a_head_that_the_standard_refuses_goes_nowhere(house: House, name: str, value: object) -> None:
    """Not the key's formula refuses it: a sender may sign whatever key it likes."""
    key, data = house.message("1001", house.subject())
    changed = json.loads(data)
    changed["Head"][name] = value
    error = await refused(house, "1001", json.dumps(changed).encode(), key)
    assert (error.status, [one["path"] for one in error.errors]) == (422, [f"Head/{name}"])
    del changed["Head"]["IdemKey"]
    error = await refused(house, "1001", json.dumps(changed).encode(), key)
    assert {one["path"] for one in error.errors} == {f"Head/{name}", "Head/IdemKey"}
    assert await nothing_stored(house)


async def test_a_refusal_holds_the_8001_that_its_errors_make(house: House) -> None:
    record = {**house.subject(), "SubjectStatus": "7", "LegalRoles": "03;77"}
    key, data = house.message("1001", record)
    error = await refused(house, "1001", data, key)
    standard = house.gateway.intake.translator.standard
    ack = standard.from_json("8001", error.problem["Body"])
    assert standard.check("8001", ack, on=clock.now().date())
    assert (ack["OriMsgNo"], ack["OriMsgId"]) == ("1001", json.loads(data)["Head"]["MsgId"])
    assert ack["Result"] == error.result == "30002"
    assert [one["Path"].split(" @")[0] for one in ack["Errors"]["Error"]] == [
        one["path"] for one in error.errors
    ]
    assert [one["rule"] for one in error.errors] == ["code-table", "code-table"]
    assert ack["AddWord"].count("\n") == 1 and "LegalRoles" in ack["AddWord"]


async def test_a_soap_fault_holds_the_platforms_own_answer(house: House) -> None:
    text = "<PURCHASE_PROJECT><PURCHASE_PROJECT_CODE>C1</PURCHASE_PROJECT_CODE></PURCHASE_PROJECT>"
    with pytest.raises(Refused) as caught:
        await house.sandbox.procurement.client.submit_soap(text.encode(), type="2006", idem_key="s" * 64)
    refusal = caught.value
    assert refusal.errors and all(one["mend"]["zh"] for one in refusal.errors)
    assert (
        "<STATUS>-1</STATUS>" in refusal.problem["ack"]
        and refusal.errors[0]["path"] in refusal.problem["ack"]
    )


async def test_faults_of_mapping_and_of_the_standard_are_told_together(house: House) -> None:
    text = (
        "<DES><TITLE><CA_KEY>8</CA_KEY><DATA_CN>合同</DATA_CN><DATA_EN>CONTRACT_PERFORMANCE</DATA_EN>"
        "<DATA_KEY>9120512202604010000001</DATA_KEY><DATA_NO>512</DATA_NO><DATA_TYPE>1</DATA_TYPE>"
        "<ROUTE_WAY>0</ROUTE_WAY></TITLE><CONTEXT><CONTRACT_PRICE>12,5</CONTRACT_PRICE>"
        "<PRICE_UNIT>0</PRICE_UNIT><PRICE_FORM_CODE>1</PRICE_FORM_CODE><PLATFORM_CODE>12310000425010220M</PLATFORM_CODE></CONTEXT></DES>"
    )
    translator = house.gateway.intake.translator
    platform = house.gateway.settings.platforms["GGZY-JSGC"]
    key = translator.parse(platform, text.encode()).head["IdemKey"]
    with pytest.raises(Refused) as caught:
        await house.sandbox.construction.client.submit(
            "2003", text.encode(), idem_key=key, content_type="application/xml"
        )
    told = {(one["path"], one["rule"]) for one in caught.value.errors}
    assert any(path == "CONTRACT_PRICE" and rule.startswith("mapping.") for path, rule in told)
    assert ("PLATFORM_CODE", "credit-code") in told
