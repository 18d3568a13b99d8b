"""The government procurement sub-platform 政府采购分中心: XML in SOAP 1.2 with WS-Security.

It receives at POST /soap/receive and answers <ACK>. One 550 is sent twice, as a tender project and as its
section: a message has one type (schemas/platforms/procurement/README.md).
"""

from __future__ import annotations

from aiohttp import web

from gateway import clock, xmltree
from gateway.client import Opened, Reply
from gateway.errors import MessageError
from gateway.formats import formats
from gateway.message import Record
from gateway.sandbox.forms import digest_of
from gateway.sandbox.inbox import Arrived
from gateway.sandbox.people import AGENT_CODE, AGENT_NAME, PLATFORM_CODE, Organisation, Person
from gateway.sandbox.sub import NO_HEAD, SubPlatform
from gateway.sandbox.trade import Deal

_SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
# The data element of each type that the platform sends or receives.
ELEMENTS: dict[str, str] = {
    "1001": "LEGAL_PERSON_BASE",
    "1002": "SSO_TICKET",
    "1003": "LOGOUT_NOTICE",
    "2002": "BID_DEAL_ANNOUNCE",
    "2003": "PURCHASE_CONTRACT",
    "2005": "EXCEPTION",
    "2006": "PURCHASE_PROJECT",
    "2007": "PURCHASE_PROJECT",
    "3001": "PAYMENT_APPLICATION",
    "4001": "TENDEREE_REVIEW",
    "4004": "RETURN_NOTICE",
    "5003": "REFUND_NOTICE",
    "5004": "PAYMENT_RESULT",
    "6001": "PROGRESS_QUERY",
    "6003": "STATUS_EVENT",
    "8002": "BUSINESS_RECEIPT",
}


class ProcurementPlatform(SubPlatform):
    forms_folder = "procurement"
    jump_url = "https://procurement.example/"
    answer_type = "application/xml"

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/soap/receive", self.receive)

    # receiving
    def read(self, number: str, opened: Opened) -> Arrived:
        parsed = formats.get("xml").decode(opened.payload)
        expected = ELEMENTS.get(number, "")
        faults: list[str] = []
        if parsed.own_type != expected:
            faults.append(f"{parsed.own_type}: not the form of a message of type {number}")
        else:
            root = xmltree.parse(opened.payload)
            element = root if xmltree.local(root.tag) == expected else root.find(f"{{*}}{expected}")
            faults = [] if element is None else self.forms.check(expected, element)
        return Arrived(
            number=number,
            key=opened.claims.idem_key,
            record=parsed.record,
            digest=digest_of(number, parsed.record),
            biz_key=self.own_key(number, parsed.record),
            faults=faults,
            envelope=parsed.head,
        )

    def answer(self, arrived: Arrived, problem: str) -> bytes:
        ack: Record = {
            "STATUS": "-1" if problem else "1",
            "ORI_MSG_NO": arrived.number,
            "ORI_MSG_ID": arrived.envelope.get("MsgId") or "0" * 16,
            "RESULT": "10003" if problem else "00000",
            "DUPLICATE": "0",
            **({"MSG": problem[:2000]} if problem else {}),
        }
        return formats.get("xml-bare").encode(ack, NO_HEAD, {}, "ACK")

    def refuse_call(self, error: MessageError) -> web.Response:
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{_SOAP12}"><s:Body><s:Fault><s:Code>'
            '<s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text xml:lang="en">refused</s:Text></s:Reason>'
            f"<s:Detail><Result>{error.result}</Result></s:Detail></s:Fault></s:Body></s:Envelope>"
        )
        return web.Response(status=error.status, text=text, content_type="application/soap+xml")

    # sending
    async def submit(self, number: str, record: Record) -> tuple[Reply, str]:
        key = digest_of(number, record)
        payload = formats.get("xml-bare").encode(record, NO_HEAD, {}, ELEMENTS[number])
        return await self.client.submit_soap(payload, type=number, idem_key=key), key

    def read_answer(self, payload: bytes) -> Record:
        return formats.get("xml").decode(payload).record

    # the data sets
    def project(self, deal: Deal) -> Record | None:
        return None

    def tender(self, deal: Deal) -> Record:
        return {
            "PURCHASE_PROJECT_CODE": deal.tender,
            "PURCHASE_PROJECT_NAME": deal.title,
            "RELATE_CODE": "0",
            "TENDER_PROJECT_TYPE": "D03",
            "PURCHASER_NAME": deal.tenderer.name,
            "PURCHASER_CODE": deal.tenderer.code,
            "PURCHASER_ROLE": "04",
            "PRICE_FORM_CODE": "1",
            "PROGRAM_BUDGET": deal.price,
            "BUDGET_CURRENCY": "156",
            "UNIT_BUDGET": "0",
            "PURCHASER_MODE": "1",
            "PURCHASER_CONTENT": "公路日常养护服务",
            "PURCHASER_ORGANIZE_FORM": "2",
            "PURCHASER_AGENCY_NAME": AGENT_NAME,
            "PURCHASER_AGENCY_CODE": AGENT_CODE,
            "PURCHASER_AGENCY_ROLE": "05",
            "PURCHASE_SECTION_CODE": deal.section,
            "PURCHASE_SECTION_NAME": f"{deal.title}（包件一）",
            "REGION_CODE": deal.region,
            "TRA_PLACE_CODE": "310000",
            "CREATE_TIME": clock.t14(),
            "UNIFIED_DEAL_CODE": deal.unified,
            **_system(),
        }

    def section(self, deal: Deal) -> Record:
        return self.tender(deal)

    def award(self, deal: Deal) -> Record:
        return {
            "PURCHASE_PROJECT_CODE": deal.tender,
            "PURCHASE_PROJECT_NAME": deal.title,
            "PURCHASE_SECTION_CODE": deal.section,
            "UNIFIED_DEAL_CODE": deal.unified,
            "REGION_CODE": deal.region,
            "TRA_PLACE_CODE": "310000",
            "PURCHASER_AGENCY_NAME": AGENT_NAME,
            "PURCHASER_AGENCY_CODE": AGENT_CODE,
            "WIN_BID_BULLETIN_TITLE": f"{deal.title}成交结果公告",
            "WIN_BID_BULLETIN_CONTENT": f"{deal.winner.name}成交",
            "WIN_BID_BULLETIN_START_TIME": clock.t14(),
            "URL": f"https://procurement.example/notice/{deal.section}",
            "WINNINGBIDDER_NAME": deal.winner.name,
            "WINNINGBIDDER_TYPE": "1",
            "WINNINGBIDDER_CODE": deal.winner.code,
            "PRICE_FORM_CODE": "1",
            "WIN_BID_PRICE": deal.price,
            "CURRENCY_CODE": "156",
            "PRICE_UNIT": "0",
            "CREATOR": "赵强",
            **_system(),
            "NOTICE_SERIAL": "1",
        }

    def contract(self, deal: Deal) -> Record:
        return {
            "PURCHASE_PROJECT_CODE": deal.tender,
            "PURCHASE_PROJECT_NAME": deal.title,
            "PURCHASE_SECTION_CODE": deal.section,
            "UNIFIED_DEAL_CODE": deal.unified,
            "CONTRACT_NAME": f"{deal.title}采购合同",
            "PURCHASER_NAME": deal.tenderer.name,
            "PURCHASER_CODE": deal.tenderer.code,
            "LEGAL_ROLE": "04",
            "SUPPLIER_NAME": deal.winner.name,
            "SUPPLIER_CODE": deal.winner.code,
            "PRICE_FORM_CODE": "1",
            "CONTRACT_AMOUNT": deal.price,
            "CURRENCY_CODE": "156",
            "PRICE_UNIT": "0",
            "CONTRACT_TERM": "1",
            "SIGNING_TIME": clock.t14(),
            **_system(),
            "CONTRACT_NO": deal.contract,
            "PROJECT_KIND": deal.kind,
            "PROJECT_LEVEL": deal.level,
            "PAY_ADM_DIV_CODE": deal.adm_div,
        }

    def exception(self, deal: Deal, reason: str) -> Record:
        return {
            "UNIFIED_DEAL_CODE": deal.unified,
            "EXCEPTION_SERIAL": "1",
            "CONTRACT_NO": deal.contract,
            "EXCEPITON_TYPE": "9",
            "EXCEPTION_INFO": reason,
            "EXCEPTION_TIME": clock.t14(),
            **_system(),
        }

    def subject(self, one: Organisation, contact: str) -> Record:
        return {
            "LEGAL_NAME": one.name,
            "BIDDER_CODE_TYPE": "1",
            "LEGAL_CODE": one.code,
            "LEGAL_ROLE": one.roles,
            "LICENSE_NO": one.code,
            "LICENSE_END_DATE": "99991231",
            "LEGAL_REPRESENT": "陈建国",
            "LEGAL_TYPE": "1",
            "COUNTRY_REGION": "156",
            "REGION_CODE": one.region,
            "REG_CAPITAL": "5000",
            "REG_CAP_CURRENCY": "156",
            "REG_UNIT": "1",
            "LEGAL_CONTACT": contact,
            "LEGAL_CONTACT_PHONE": "13900005678",
            "LEGAL_STATUS": "1",
            **_system(),
        }

    def query(self, number: str, requester: Person, query_id: str) -> Record:
        return {
            "QUERY_ID": query_id,
            "QUERY_TYPE": "1",
            "PAY_APP_NO": number,
            "PAGE_NO": "1",
            "PAGE_SIZE": "20",
            "REQUESTER_CODE": requester.legal_code,
            "REQUESTER_ROLE": requester.roles.split(";")[0],
        }

    def ticket(self, ticket: str) -> Record:
        return {"TICKET": ticket, "TARGET_SYSTEM": self.node}


def _system() -> Record:
    """The fields that every data set ends with."""
    return {
        "PLATFORM_CODE": PLATFORM_CODE,
        "PUB_SERVICE_PLAT_CODE": PLATFORM_CODE,
        "DATA_TIMESTAMP": clock.t14(),
    }
