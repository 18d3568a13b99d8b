"""The sandbox platforms over their real transports, spoken to as the gateway speaks to them."""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from lxml import etree

from gateway import clock
from gateway.formats import formats, read_json, voucher_file_blocks
from gateway.message import GATEWAY_NODE, Claims, Record
from gateway.sandbox import Sandbox, start_platforms
from gateway.sandbox.ledger import APPLIED, REFUSED, REQUEST
from gateway.sandbox.place import (
    AGREEMENTS,
    CITY,
    CONSTRUCTION,
    GENERAL,
    NODES,
    PROCUREMENT,
    find_schemas,
)
from gateway.sandbox.server import Platform
from gateway.sandbox.sub import NO_HEAD
from gateway.security import keys
from gateway.security.httpsig import sign_request
from gateway.security.suite import Peer, Unsealed, check_claims, suites
from gateway.security.trust import Trust
from gateway.standard import Standard
from gateway.standard import head as heads
from tests.unit.sandbox.test_treasury_desk import application

STORE = "urn:voucher-store"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
STANDARD = Standard.load(find_schemas())


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certs")
    kinds = {node: agreement.key_kind for node, agreement in AGREEMENTS.items()}
    keys.write_development_certificates(folder, {**kinds, GATEWAY_NODE: "all"})
    return folder


@pytest.fixture
async def sandbox(certs: Path, tmp_path: Path) -> AsyncIterator[Sandbox]:
    running = await start_platforms(dict.fromkeys(NODES, 0), certs, tmp_path)
    yield running
    await running.stop()


@dataclass
class Answer:
    status: int
    payload: bytes
    opened: bool


class GatewaySide:
    """The gateway's end of the wire to one platform."""

    def __init__(self, certs: Path, platform: Platform, session: aiohttp.ClientSession):
        agreement = AGREEMENTS[platform.node]
        place = certs / platform.node
        sign = keys.load_certificate((place / "sign.crt").read_bytes())
        encrypt = keys.load_certificate((place / "encrypt.crt").read_bytes())
        roots = [keys.load_certificate(path.read_bytes()) for path in certs.glob("root-*.crt")]
        self.node = platform.node
        self.suite = suites.get(agreement.suite)
        self.identity = keys.load_identity_from(GATEWAY_NODE, certs / GATEWAY_NODE / agreement.key_kind)
        self.peer = Peer(platform.node, agreement.algorithms, encrypt)
        self.trust = Trust({platform.node: [sign]}, roots)
        self.session = session

    def seal(self, payload: bytes, number: str, key: str, *, receiver: str = "") -> bytes:
        claims = Claims(
            GATEWAY_NODE,
            receiver or self.node,
            number,
            key,
            int(time.time()),
            secrets.token_hex(16),
            "text/plain",
        )
        return self.suite.seal(payload, claims, self.identity, self.peer)

    def unseal(self, data: bytes, key: str | None = None) -> Unsealed:
        found = self.suite.unseal(data, self.identity, self.trust, clock.now())
        check_claims(found.claims, receiver=GATEWAY_NODE, at=clock.now(), sender=self.node, idem_key=key)
        return found

    async def deliver(self, url: str, number: str, payload: bytes, key: str, **more: Any) -> Answer:
        sealed = self.seal(payload, number, key, **more)
        headers = {"Content-Type": self.suite.content_type}
        async with self.session.post(url.replace("{type}", number), data=sealed, headers=headers) as response:
            data = await response.read()
            if response.status != 200:
                return Answer(response.status, data, opened=False)
            return Answer(response.status, self.unseal(data, key).payload, opened=True)

    async def call(self, url: str, operation: str, **arguments: Any) -> tuple[int, etree._Element]:
        """An operation of the voucher store; what a list holds is repeated."""
        pairs = {"certID": "GW", "admDivCode": "310000", "stYear": clock.d8()[:4], **arguments}
        inner = "".join(
            f"<{name}>{one}</{name}>"
            for name, value in pairs.items()
            for one in (value if isinstance(value, list) else [value])
        )
        body = (
            f'<s:Envelope xmlns:s="{SOAP}"><s:Body><{operation} xmlns="{STORE}">{inner}</{operation}>'
            "</s:Body></s:Envelope>"
        ).encode()
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        nonce = secrets.token_hex(8)
        signature = sign_request("POST", url, headers, body, self.identity, int(time.time()), nonce)
        async with self.session.post(
            url, data=io.BytesIO(body), headers={**headers, **signature}
        ) as response:
            return response.status, etree.fromstring(await response.read())


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def standard_json(number: str, record: Record, key: str, src: str = CONSTRUCTION) -> bytes:
    """A message as the general platform gets it."""
    moment = clock.t17()
    head = heads_of(number, record, key, src, moment)
    return formats.get("standard-json").encode(STANDARD.to_json(number, record), head, {}, "")


def heads_of(number: str, record: Record, key: str, src: str, moment: str) -> Any:
    from gateway.message import Head

    return Head(
        number, key[:32], key[:32], src, GENERAL, "310000", moment[:4], "02",
        STANDARD.business_key(number, record), "1", "1", key,
        heads.body_digest(STANDARD.build(number, record)), moment[:8], moment,
    )  # fmt: skip


async def test_general_takes_a_message_once_and_answers_the_same_again(
    sandbox: Sandbox, certs: Path, session: aiohttp.ClientSession
) -> None:
    side = GatewaySide(certs, sandbox.general, session)
    record = STANDARD.sample("2003")
    key = secrets.token_hex(32)
    payload = standard_json("2003", record, key)
    url = sandbox.urls()[GENERAL]
    first = await side.deliver(url, "2003", payload, key)
    again = await side.deliver(url, "2003", payload, key)
    assert read_json(first.payload)["Body"]["Result"] == "00000"
    assert again.payload == first.payload
    ledger = sandbox.general.ledger
    assert len(ledger.find(REQUEST, "2003", record["ContractNo"])) == 2
    assert len(ledger.find(APPLIED, "2003", record["ContractNo"])) == 1
    assert sandbox.effects().resends == 1
    assert sandbox.effects().duplicated == 0
    assert sandbox.general.book.get("contract", record["ContractNo"])["Owner"] == CONSTRUCTION


async def test_general_refuses_what_its_own_check_finds_wrong(
    sandbox: Sandbox, certs: Path, session: aiohttp.ClientSession
) -> None:
    side = GatewaySide(certs, sandbox.general, session)
    record = {**STANDARD.sample("2003"), "PriceFormCode": "7"}
    key = secrets.token_hex(32)
    answer = await side.deliver(sandbox.urls()[GENERAL], "2003", standard_json("2003", record, key), key)
    body = read_json(answer.payload)["Body"]
    assert body["Result"] == "10003"
    assert "PriceFormCode" in body["AddWord"]
    assert sandbox.general.ledger.find(REFUSED, "2003")
    assert sandbox.general.book.get("contract", record["ContractNo"]) is None


async def test_a_platform_takes_nothing_that_the_gateway_did_not_seal_for_it(
    sandbox: Sandbox, certs: Path, session: aiohttp.ClientSession
) -> None:
    side = GatewaySide(certs, sandbox.general, session)
    key = secrets.token_hex(32)
    payload = standard_json("2003", STANDARD.sample("2003"), key)
    url = sandbox.urls()[GENERAL]
    elsewhere = await side.deliver(url, "2003", payload, key, receiver=PROCUREMENT)
    side.identity = keys.load_identity_from(CONSTRUCTION, certs / CONSTRUCTION)
    stranger = GatewaySide(certs, sandbox.general, session)
    stranger.identity = keys.load_identity_from(GENERAL, certs / GENERAL)
    forged = await stranger.deliver(url, "2003", payload, key)
    assert (elsewhere.status, forged.status) == (403, 401)
    assert sandbox.general.ledger.entries == []


DES_STATUS = {
    "PAY_APP_NO": "SQ-310000-20261124-00001",
    "STATUS_SEQ": "1",
    "OLD_STATUS": "41",
    "NEW_STATUS": "42",
    "EVENT_TIME": "20261124100000",
    "DATA_TIMESTAMP": "20261124100000",
}


def des(
    record: Record, *, data_type: str = "1", serial: str = "00000000001"[:7], data_no: str = "963"
) -> bytes:
    title = {
        "CA_KEY": "GATEWAY", "DATA_CN": "状态变更通知", "DATA_EN": "STATUS_EVENT", "DATA_NO": data_no,
        "DATA_KEY": f"9120{data_no}20261124{serial}", "DATA_TYPE": data_type, "SYSTEM_NO": "9120",
    }  # fmt: skip
    return formats.get("des").encode(record, NO_HEAD, title, "CONTEXT")


async def test_construction_answers_des_status_and_keeps_its_key_rules(
    sandbox: Sandbox, certs: Path, session: aiohttp.ClientSession
) -> None:
    side = GatewaySide(certs, sandbox.construction, session)
    url = sandbox.urls()[CONSTRUCTION]
    answers = []
    for payload in (
        des(DES_STATUS),
        des(DES_STATUS),  # the same again, under another delivery key: it holds this DATA_KEY
        des({**DES_STATUS, "NEW_STATUS": "60"}),  # other content under a known DATA_KEY
        des({**DES_STATUS, "STATUS_SEQ": "2"}, data_type="2", serial="0000002"),  # a change of nothing known
        des({**DES_STATUS, "STATUS_SEQ": "x"}, serial="0000003"),  # not its schema
        des({**DES_STATUS, "STATUS_SEQ": "4"}, data_no="944", serial="0000004"),  # another data set
    ):
        answer = await side.deliver(url, "6003", payload, secrets.token_hex(32))
        answers.append(read_json(answer.payload))
    assert [answer["STATUS"] for answer in answers] == ["1", "1", "-1", "-1", "-1", "-1"]
    assert "other content" in answers[2]["MSG"]
    assert "nothing to change" in answers[3]["MSG"]
    assert "STATUS_SEQ" in answers[4]["MSG"]
    assert len(sandbox.construction.ledger.find(APPLIED)) == 1
    assert sandbox.effects().duplicated == 1  # the second key is told, though nothing happened twice


async def test_procurement_speaks_soap_with_ws_security(
    sandbox: Sandbox, certs: Path, session: aiohttp.ClientSession
) -> None:
    side = GatewaySide(certs, sandbox.procurement, session)
    url = sandbox.urls()[PROCUREMENT]
    record = {name: value for name, value in DES_STATUS.items() if name != "DATA_TIMESTAMP"}
    good = formats.get("xml").encode(record, NO_HEAD, {}, "STATUS_EVENT")
    bad = formats.get("xml").encode({**record, "EXTRA": "1"}, NO_HEAD, {}, "STATUS_EVENT")
    taken = await side.deliver(url, "6003", good, secrets.token_hex(32))
    refused = await side.deliver(url, "6003", bad, secrets.token_hex(32))
    assert formats.get("xml").decode(taken.payload).record["STATUS"] == "1"
    assert "EXTRA" in formats.get("xml").decode(refused.payload).record["MSG"]


def mof(record: Record) -> bytes:
    envelope = {name: record[name] for name in ("AdmDivCode", "StYear", "VtCode", "VoucherNo")}
    return formats.get("mof-voucher").encode(record, NO_HEAD, envelope, "Voucher")


def result(answer: etree._Element) -> dict[str, str]:
    return {
        entry.findtext(f"{{{STORE}}}key") or "": entry.findtext(f"{{{STORE}}}value") or ""
        for entry in answer.iter(f"{{{STORE}}}entry")
    }


def fault(answer: etree._Element) -> str:
    return answer.findtext(f".//{{{SOAP}}}Fault/faultstring") or ""


def today(record: Record) -> Record:
    return {**record, "VouDate": clock.d8(), "StYear": clock.d8()[:4]}


async def test_the_voucher_store_takes_a_voucher_once(
    sandbox: Sandbox, certs: Path, session: aiohttp.ClientSession
) -> None:
    treasury = sandbox.treasuries["310000"]
    side, url = GatewaySide(certs, treasury, session), sandbox.urls()[CITY]
    record = today(application())
    key = secrets.token_hex(32)

    async def write(one: Record) -> tuple[int, etree._Element]:
        sealed = base64.b64encode(side.seal(mof(one), "4002", key)).decode()
        return await side.call(
            url, "writeVoucher", vtCode="9402", voucher=sealed, srcOrgType="1", decOrgType="2"
        )

    async def send() -> tuple[int, etree._Element]:
        return await side.call(url, "sendVoucher", vtCode="9402", voucherNo=[record["VoucherNo"]])

    assert result((await write(record))[1]) == {"EVS": "EVS000"}
    assert not treasury.book.all("case")
    assert result((await write(record))[1]) == {"EVS": "EVS000"}  # written again, not sent: no matter
    assert result((await send())[1]) == {"EVS": "EVS000"}
    status, answer = await send()
    assert status == 500 and fault(answer).startswith("EVS700#") and "已发送" in fault(answer)
    assert "已发送" in fault((await write(record))[1])
    assert "不能重复" in fault((await write({**record, "PaySummaryName": "别的"}))[1])
    assert treasury.book.get("case", record["PayAppNo"])["record"]["DetailList"] == record["DetailList"]
    assert [len(treasury.ledger.find(kind, "4002")) for kind in (REQUEST, APPLIED)] == [4, 1]
    _, queried = await side.call(
        url,
        "queryVoucherStatusByOrgType",
        vtCode="9402",
        voucherNo=[record["VoucherNo"], "none"],
        decOrgType="2",
    )
    assert result(queried) == {"EVS": "EVS000", record["VoucherNo"]: "1"}


async def test_the_voucher_store_refuses_a_voucher_with_a_wrong_sum(
    sandbox: Sandbox, certs: Path, session: aiohttp.ClientSession
) -> None:
    treasury = sandbox.treasuries["310000"]
    side, url = GatewaySide(certs, treasury, session), sandbox.urls()[CITY]
    record = {**today(application()), "PayAmt": "999999.99"}
    sealed = base64.b64encode(side.seal(mof(record), "4002", secrets.token_hex(32))).decode()
    _, answer = await side.call(
        url, "writeVoucher", vtCode="9402", voucher=sealed, srcOrgType="1", decOrgType="2"
    )
    assert fault(answer).startswith("EVS700#业务逻辑不合法") and "PayAmt" in fault(answer)
    assert treasury.ledger.find(REFUSED, "4002")


async def test_what_the_desk_writes_is_polled_confirmed_and_read_again_until_then(
    sandbox: Sandbox, certs: Path, session: aiohttp.ClientSession
) -> None:
    treasury = sandbox.treasuries["310000"]
    treasury.desk.receive(application())
    side, url = GatewaySide(certs, treasury, session), sandbox.urls()[CITY]
    first, second = treasury.desk.authority_approves(application()["PayAppNo"])

    async def read(operation: str) -> bytes:
        _, answer = await side.call(url, operation, vtCode="9403", voucherCount="100")
        text = answer.findtext(f".//{{{STORE}}}return") or ""
        return side.unseal(base64.b64decode(text)).payload if text else b""

    async def confirm(operation: str, no: str, **more: Any) -> None:
        _, answer = await side.call(url, operation, vtCode="9403", voucherNo=[no], **more)
        assert result(answer) == {"EVS": "EVS000"}

    batch = await read("readVoucher")
    assert batch.count(b"<VoucherBody ") == 2
    assert await read("readVoucher") == b""
    assert (await read("readVoucherAgain")).count(b"<VoucherBody ") == 2
    await confirm("confirmVoucher", first.no)
    await confirm("confirmVoucherFail", second.no, errMsg=["审核轮次不符"])
    assert await read("readVoucherAgain") == b""
    (taken,) = treasury.ledger.find("acknowledged", "4003")
    (failed,) = treasury.ledger.find("failed", "4003")
    assert (taken.biz_key, failed.biz_key) == (first.biz_key, second.biz_key)
    assert failed.answer == "审核轮次不符"


async def test_every_call_of_the_voucher_store_needs_a_fresh_signature(
    sandbox: Sandbox, certs: Path, session: aiohttp.ClientSession
) -> None:
    treasury = sandbox.treasuries["310000"]
    side, url = GatewaySide(certs, treasury, session), sandbox.urls()[CITY]
    body = (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body><readVoucher xmlns="{STORE}"><certID>GW</certID>'
        "<admDivCode>310000</admDivCode><stYear>2026</stYear><vtCode>9802</vtCode><voucherCount>1</voucherCount>"
        "</readVoucher></s:Body></s:Envelope>"
    ).encode()
    headers = {"Content-Type": "text/xml"}
    signed = sign_request("POST", url, headers, body, side.identity, int(time.time()), "n1")
    other = sign_request("POST", url, headers, body, side.identity, int(time.time()), "n3")
    late = sign_request("POST", url, headers, body, side.identity, int(time.time()) - 120, "n2")
    statuses = []
    for extra, sent in (({}, body), (signed, body), (signed, body), (late, body), (other, body + b" ")):
        async with session.post(url, data=sent, headers={**headers, **extra}) as response:
            statuses.append(response.status)
    assert statuses == [401, 200, 401, 401, 401]


async def test_another_division_is_refused(
    sandbox: Sandbox, certs: Path, session: aiohttp.ClientSession
) -> None:
    side, url = GatewaySide(certs, sandbox.treasuries["310000"], session), sandbox.urls()[CITY]
    _, answer = await side.call(url, "readVoucher", vtCode="9802", voucherCount="1", admDivCode="310115")
    assert fault(answer).startswith("EVS004#")


async def test_a_file_arrives_in_blocks_of_any_order(
    sandbox: Sandbox, certs: Path, session: aiohttp.ClientSession
) -> None:
    treasury = sandbox.treasuries["310000"]
    side, url = GatewaySide(certs, treasury, session), sandbox.urls()[CITY]
    data = secrets.token_bytes(2_300_000)
    blocks = list(voucher_file_blocks("发票.png", "9402", "ZF1", [data], len(data)))
    assert len(blocks) == 2
    for block in reversed(blocks):
        await side.call(
            url, "sendData", srcOrgType="1", decOrgType="2", data=base64.b64encode(block).decode()
        )
    assert treasury.has_file(hashlib.new("sm3", data).hexdigest())


async def test_a_platform_goes_on_after_a_restart(
    certs: Path, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    record, key = STANDARD.sample("2003"), secrets.token_hex(32)
    payload = standard_json("2003", record, key)
    answers = []
    for _ in range(2):
        running = await start_platforms({GENERAL: 0}, certs, tmp_path)
        side = GatewaySide(certs, running.general, session)
        answers.append((await side.deliver(running.urls()[GENERAL], "2003", payload, key)).payload)
        kinds = [entry.kind for entry in running.general.ledger.entries]
        await running.stop()
    assert answers[0] == answers[1]
    assert kinds == [REQUEST, APPLIED, REQUEST]


async def test_trouble_comes_as_ordered_and_ends(
    sandbox: Sandbox, certs: Path, session: aiohttp.ClientSession
) -> None:
    side, url = GatewaySide(certs, sandbox.general, session), sandbox.urls()[GENERAL]
    trouble, ledger = sandbox.general.trouble, sandbox.general.ledger
    key = secrets.token_hex(32)
    payload = standard_json("2003", STANDARD.sample("2003"), key)
    trouble.order("500")
    trouble.order("503")
    assert [(await side.deliver(url, "2003", payload, key)).status for _ in range(2)] == [500, 503]
    assert ledger.entries == []
    for kind in ("reset", "garbage"):
        trouble.order(kind)
        with pytest.raises((aiohttp.ClientError, Exception)):
            await side.deliver(url, "2003", payload, key)
    trouble.order("twice")
    assert (await side.deliver(url, "2003", payload, key)).opened
    assert len(ledger.find(REQUEST)) == 4
    assert len(ledger.find(APPLIED)) == 1
    assert trouble.met == 5
