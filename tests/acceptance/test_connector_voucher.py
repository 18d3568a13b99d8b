"""The voucher connector against a voucher store on a real socket, with real SM2 keys; zeep reads the WSDL."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from lxml import etree

from gateway import clock
from gateway.connectors import FileRef, VoucherStore, connectors
from gateway.connectors.voucher_store import NAMESPACE, envelope
from gateway.errors import DeliveryError
from gateway.formats import join_file_blocks, read_file_block
from gateway.security.httpsig import has_digest, verify_request
from tests.acceptance.partners import ROOT, Partner, parcel, partner, serve, trust

WSDL = ROOT / "schemas" / "platforms" / "treasury" / "voucher-store.wsdl"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NO = "ZF2026112400001"
MOF = f'<MOF><VoucherBody AdmDivCode="310000" StYear="2026" VtCode="9402" VoucherNo="{NO}"/></MOF>'.encode()
OK = {"EVS": "EVS000"}
Said = dict[str, str] | bytes | str  # a Map, bytes, or the text of a Fault


class VoucherServer:
    """Records every call as (operation, arguments) and answers what `say` tells for it."""

    def __init__(self, other: Partner, say: dict[str, Said | Callable[[], Said]]):
        self.other = other
        self.say = say
        self.calls: list[tuple[str, dict[str, list[str]]]] = []
        self.nonces: set[str] = set()

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        target = f"{request.scheme}://{request.host}{request.raw_path}"
        call = verify_request(request.method, target, request.headers, trust(), clock.now())
        assert call.platform == "GW"
        assert has_digest(call.content_digest, body)
        assert call.nonce not in self.nonces
        self.nonces.add(call.nonce)
        element = etree.fromstring(body).find(f"{{{SOAP}}}Body")
        assert element is not None
        element = element[0]
        name = etree.QName(element).localname
        assert request.headers["SOAPAction"] == f'"{NAMESPACE}/{name}"'
        arguments: dict[str, list[str]] = {}
        for child in element:
            arguments.setdefault(etree.QName(child).localname, []).append(child.text or "")
        self.calls.append((name, arguments))
        said = self.say.get(name, OK)
        return answer(name, said() if callable(said) else said)


def answer(name: str, said: Said) -> web.Response:
    if isinstance(said, str):
        inner = f"<s:Fault><faultcode>s:Client</faultcode><faultstring>{said}</faultstring></s:Fault>"
    elif isinstance(said, bytes):
        content = f"<return>{base64.b64encode(said).decode()}</return>" if said else ""
        inner = f'<{name}Response xmlns="{NAMESPACE}">{content}</{name}Response>'
    else:
        entries = "".join(f"<entry><key>{k}</key><value>{v}</value></entry>" for k, v in said.items())
        inner = f'<{name}Response xmlns="{NAMESPACE}"><return>{entries}</return></{name}Response>'
    text = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{inner}</s:Body></s:Envelope>'
    return web.Response(text=text, status=500 if isinstance(said, str) else 200, content_type="text/xml")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def other() -> Partner:
    return partner("CZ-ZFPT-310000")


async def test_an_application_is_written_sealed_and_sent(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    server = VoucherServer(other, {})
    one = parcel("4002", MOF)
    async with serve(server.handle) as url:
        result = await connectors.get("voucher")(other.world(session, f"{url}/svc")).send(one)
    assert orjson.loads(result.payload) == {"EVS": "EVS000", "text": ""}
    assert not result.already
    assert server.names == ["writeVoucher", "sendVoucher"]
    written, sent = (arguments for _, arguments in server.calls)
    unsealed = other.open(base64.b64decode(written["voucher"][0]))
    assert unsealed.payload == MOF
    assert unsealed.claims.idem_key == one.delivery_key
    head = {name: written[name] for name in ("certID", "admDivCode", "stYear", "vtCode", "srcOrgType")}
    assert head == {
        "certID": ["GW"], "admDivCode": ["310000"], "stYear": ["2026"], "vtCode": ["9402"], "srcOrgType": ["1"],
    }  # fmt: skip
    assert sent["voucherNo"] == [NO]


async def test_files_go_first_in_blocks_of_two_mebibytes(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    server = VoucherServer(other, {})
    data = bytes(range(256)) * 20_000  # 5,120,000 bytes: two whole blocks and a part
    files = [FileRef("sm3:" + "0" * 64, "发票一.ofd", len(data)), FileRef("sm3:" + "1" * 64, "empty.xml", 0)]
    held = {files[0].digest: data, files[1].digest: b""}
    async with serve(server.handle) as url:
        connector = connectors.get("voucher")(other.world(session, f"{url}/svc", files=held))
        await connector.send(parcel("4002", MOF, files=files))
    assert server.names == ["sendData"] * 4 + ["writeVoucher", "sendVoucher"]
    blocks = [read_file_block(base64.b64decode(one["data"][0])) for _, one in server.calls[:4]]
    assert join_file_blocks(blocks[:3]) == ("发票一.ofd", data)
    assert {block.voucher_no for block in blocks} == {NO}


@pytest.mark.parametrize("held", [{}, {"sm3:" + "0" * 64: b"shorter"}], ids=["missing", "cut"])
async def test_a_file_that_is_not_whole_stops_the_voucher(
    session: aiohttp.ClientSession, other: Partner, held: dict[str, bytes]
) -> None:
    server = VoucherServer(other, {})
    one = parcel("4002", MOF, files=[FileRef("sm3:" + "0" * 64, "a.ofd", 100)])
    async with serve(server.handle) as url:
        with pytest.raises(DeliveryError) as caught:
            await connectors.get("voucher")(other.world(session, f"{url}/svc", files=held)).send(one)
    assert (caught.value.code, caught.value.permanent) == ("delivery.attachment", False)
    assert "writeVoucher" not in server.names


async def test_already_sent_is_success(session: aiohttp.ClientSession, other: Partner) -> None:
    said = "EVS700#业务逻辑不合法：凭证已发送"
    server = VoucherServer(other, {"writeVoucher": said, "sendVoucher": said})
    async with serve(server.handle) as url:
        result = await connectors.get("voucher")(other.world(session, f"{url}/svc")).send(parcel("4002", MOF))
    assert result.already
    assert orjson.loads(result.payload)["EVS"] == "EVS000"


@pytest.mark.parametrize(
    ("said", "permanent", "unknown"),
    [
        ("EVS700#业务逻辑不合法：凭证编号不能重复", True, False),
        ("EVS100#参数不合法", True, False),
        ("EVS999#系统忙", False, True),
    ],
)
async def test_a_voucher_that_is_not_written_is_not_sent(
    session: aiohttp.ClientSession, other: Partner, said: str, permanent: bool, unknown: bool
) -> None:
    server = VoucherServer(other, {"writeVoucher": said})
    async with serve(server.handle) as url:
        with pytest.raises(DeliveryError) as caught:
            one = parcel("4002", MOF, attempt=2)
            await connectors.get("voucher")(other.world(session, f"{url}/svc")).send(one)
    assert (caught.value.permanent, caught.value.unknown) == (permanent, unknown)
    assert server.names == ["writeVoucher"]


async def test_a_withdrawal_discards_the_pushed_voucher(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    form = MOF.replace(b"9402", b"9304")
    server = VoucherServer(other, {})
    async with serve(server.handle) as url:
        await connectors.get("voucher")(other.world(session, f"{url}/svc")).send(parcel("3004", form))
    [(name, arguments)] = server.calls
    assert name == "discardVoucher"
    assert (arguments["vtCode"], arguments["voucherNo"]) == (["9402"], [NO])


@pytest.mark.parametrize(
    ("status", "arrived"), [("1", True), ("3", True), ("4", True), ("0", False), ("2", False), (None, False)]
)
async def test_after_an_unknown_outcome_the_store_is_asked(
    session: aiohttp.ClientSession, other: Partner, status: str | None, arrived: bool
) -> None:
    say = {**OK, NO: status} if status else OK
    server = VoucherServer(other, {"queryVoucherStatusByOrgType": say})
    async with serve(server.handle) as url:
        connector = connectors.get("voucher")(other.world(session, f"{url}/svc"))
        assert connector.can_ask("4002")
        found = await connector.ask(parcel("4002", MOF))
    assert (found is not None and found.already) is arrived
    assert server.names == ["queryVoucherStatusByOrgType"]


async def test_a_withdrawal_cannot_be_asked_for_and_is_sent_again(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    server = VoucherServer(other, {"discardVoucher": "EVS700#业务逻辑不合法：凭证已作废"})
    async with serve(server.handle) as url:
        connector = connectors.get("voucher")(other.world(session, f"{url}/svc"))
        one = parcel("3004", MOF, attempt=2)
        assert not connector.can_ask("3004")
        assert (await connector.send(one)).already


async def test_reading_gives_the_sealed_bytes_or_nothing(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    server = VoucherServer(other, {"readVoucher": b"\x30\x82sealed", "readVoucherAgain": b""})
    async with serve(server.handle) as url:
        store = VoucherStore(other.world(session, f"{url}/svc"))
        assert await store.read("9802") == b"\x30\x82sealed"
        assert await store.read("9802", again=True) is None
    assert server.names == ["readVoucher", "readVoucherAgain"]
    assert server.calls[0][1]["voucherCount"] == ["100"]


async def test_refusing_tells_each_reason_in_at_most_200_gbk_bytes(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    server = VoucherServer(other, {})
    async with serve(server.handle) as url:
        store = VoucherStore(other.world(session, f"{url}/svc"))
        await store.confirm_fail("9802", ["1", "2", "3"], ["金" * 150, "a" + "额" * 150, ""])
        await store.confirm("9802", ["4", "5"])
    reasons = server.calls[0][1]["errMsg"]
    assert [len(reason.encode("gbk")) for reason in reasons] == [200, 199, 1]
    assert server.calls[1][1]["voucherNo"] == ["4", "5"]


async def test_a_store_that_answers_nonsense_leaves_the_outcome_unknown(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    async def nonsense(request: web.Request) -> web.Response:
        return web.Response(text="<html>welcome</html>")

    async with serve(nonsense) as url:
        with pytest.raises(DeliveryError) as caught:
            await connectors.get("voucher")(other.world(session, f"{url}/svc")).send(parcel("4002", MOF))
    assert (caught.value.code, caught.value.unknown) == ("delivery.nonsense", True)


COMMON = {"certID": "GW", "admDivCode": "310000", "stYear": 2026, "vtCode": "9402"}
ORGS = {"srcOrgType": "1", "decOrgType": "2"}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("readVoucher", {**COMMON, "voucherCount": 100}),
    ("confirmVoucher", {**COMMON, "voucherNo": ["1", "2"]}),
    ("confirmVoucherFail", {**COMMON, "voucherNo": ["1", "2"], "errMsg": ["x", "y<&"]}),
    ("discardVoucher", {**COMMON, "voucherNo": ["1"]}),
    ("writeVoucher", {**COMMON, "voucher": b"\x00\x01", **ORGS}),
    ("queryVoucherStatusByOrgType", {**COMMON, "voucherNo": ["1"], "decOrgType": "2"}),
]


@pytest.mark.parametrize(("name", "arguments"), CALLS, ids=[name for name, _ in CALLS])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_our_requests_are_what_zeep_makes_of_the_wsdl(name: str, arguments: dict[str, Any]) -> None:
    zeep = pytest.importorskip("zeep")
    client = zeep.Client(str(WSDL))
    made = client.create_message(client.service, name, **arguments)
    texts = [
        (key, value if isinstance(value, list) else base64.b64encode(value).decode() if isinstance(value, bytes)
         else str(value))
        for key, value in arguments.items()
    ]  # fmt: skip
    assert canonical(etree.fromstring(envelope(name, texts))) == canonical(made)


def canonical(root: etree._Element) -> list[tuple[str, str]]:
    return [(str(node.tag), (node.text or "").strip()) for node in root.iter()]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_every_operation_that_the_connector_makes_is_valid_by_the_wsdl(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    zeep = pytest.importorskip("zeep")
    schema = zeep.Client(str(WSDL)).wsdl.types
    server = VoucherServer(other, {"readVoucher": b"x", "getData": b"y"})
    async with serve(server.handle) as url:
        store = VoucherStore(other.world(session, f"{url}/svc"))
        await store.read("9802")
        await store.read("9802", again=True)
        await store.confirm("9802", ["1"])
        await store.confirm_fail("9802", ["1"], ["x"])
        await store.return_vouchers("9802", ["1"], ["x"])
        await store.write("9402", "2026", b"sealed")
        await store.send("9402", "2026", ["1"])
        await store.discard("9402", "2026", ["1"])
        await store.query("9402", "2026", ["1"])
        await store.send_data("2026", b"block")
        assert await store.get_data("2026", b"block") == b"y"
    for name, arguments in server.calls:
        element = schema.get_element(f"{{{NAMESPACE}}}{name}")
        assert list(arguments) == [part for part, _ in element.type.elements], name
