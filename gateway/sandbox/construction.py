"""The construction sub-platform 建设工程招投标分中心: DES data sets in XML over REST, jose with RSA keys.

It receives at POST /des/upload and answers {"STATUS":"1"} or {"STATUS":"-1","MSG":…}. The rules of its
envelope are those of FACTS.md 1.2: an addition under a known DATA_KEY is refused unless it is the same
content again; a change or deletion must be of something known.
"""

from __future__ import annotations

from aiohttp import web

from gateway import clock, xmltree
from gateway.client import Opened, Reply
from gateway.formats import formats, write_json
from gateway.message import Record
from gateway.sandbox.forms import digest_of
from gateway.sandbox.inbox import Arrived
from gateway.sandbox.people import (
    AGENT_CODE,
    AGENT_NAME,
    AUTHORITY_CODE,
    AUTHORITY_NAME,
    PLATFORM_CODE,
    Organisation,
    Person,
)
from gateway.sandbox.sub import NO_HEAD, SubPlatform
from gateway.sandbox.trade import Deal

SYSTEM_NO = "9120"
TRADE_PLAT = "31000000001"
# Data set and its name for each type that the platform sends or receives.
SETS: dict[str, tuple[str, str, str]] = {
    "1001": ("100", "LEGAL_PERSON_BASE", "法人基本信息"),
    "1002": ("912", "SSO_TICKET", "票据校验"),
    "1003": ("913", "LOGOUT_NOTICE", "统一注销通知"),
    "2001": ("500", "PROJECT", "项目"),
    "2002": ("513", "WIN_RESULT_ANNO", "中标结果公告"),
    "2003": ("512", "CONTRACT_PERFORMANCE", "合同"),
    "2005": ("925", "EXCEPTION", "交易异常"),
    "2006": ("501", "TENDER_PROJECT", "招标项目"),
    "2007": ("502", "SECTION", "标段（包）"),
    "3001": ("931", "PAYMENT_APPLICATION", "支付申请"),
    "4001": ("941", "TENDEREE_REVIEW", "招标人审核结果"),
    "4004": ("944", "RETURN_NOTICE", "退回与通知"),
    "5003": ("953", "REFUND_NOTICE", "退款通知"),
    "5004": ("954", "PAYMENT_RESULT", "支付结果"),
    "6001": ("961", "PROGRESS_QUERY", "支付进度查询"),
    "6003": ("963", "STATUS_EVENT", "状态变更"),
    "8002": ("982", "BUSINESS_RECEIPT", "业务回执"),
}


class ConstructionPlatform(SubPlatform):
    forms_folder = "construction"
    jump_url = "https://construction.example/"

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/des/upload", self.receive)

    # receiving
    def read(self, number: str, opened: Opened) -> Arrived:
        parsed = formats.get("des").decode(opened.payload)
        data_no, data_en, _ = SETS.get(number, ("", "", ""))
        faults: list[str] = []
        if (parsed.envelope["DATA_NO"], parsed.envelope["DATA_EN"]) != (data_no, data_en):
            faults.append(f"TITLE/DATA_EN: not the data set of a message of type {number}")
        elif parsed.record:
            context = xmltree.parse(opened.payload).find("CONTEXT")
            faults = [] if context is None else self.forms.check(data_no, context)
        return Arrived(
            number=number,
            key=opened.claims.idem_key,
            record=parsed.record,
            digest=digest_of(data_no, parsed.record),
            biz_key=self.own_key(number, parsed.record),
            faults=faults,
            envelope=parsed.envelope,
        )

    def refuses(self, arrived: Arrived) -> str:
        title = arrived.envelope
        if not title["DATA_KEY"].startswith(SYSTEM_NO):
            return "DATA_KEY belongs to another system"
        holder = self.book.get("data-key", title["DATA_KEY"])
        if title["DATA_TYPE"] == "1" and holder is not None and holder != arrived.digest:
            return "DATA_KEY is known with other content"
        if title["DATA_TYPE"] != "1" and holder is None:
            return "DATA_KEY is not known, so there is nothing to change"
        return ""

    def holds(self, arrived: Arrived) -> bool:
        return bool(self.book.get("data-key", arrived.envelope["DATA_KEY"]) == arrived.digest)

    def act(self, arrived: Arrived) -> None:
        self.book.put("data-key", arrived.envelope["DATA_KEY"], arrived.digest)
        super().act(arrived)

    def answer(self, arrived: Arrived, problem: str) -> bytes:
        return write_json({"STATUS": "-1", "MSG": problem[:500]} if problem else {"STATUS": "1"})

    # sending
    async def submit(self, number: str, record: Record, *, data_type: str = "1") -> tuple[Reply, str]:
        payload = self.write(number, record, data_type=data_type)
        key = formats.get("des").decode(payload).head["IdemKey"]
        reply = await self.client.submit(number, payload, idem_key=key, content_type="application/xml")
        return reply, key

    def write(self, number: str, record: Record, *, data_type: str = "1") -> bytes:
        """The DES envelope. A change (2) goes under the DATA_KEY of what it changes."""
        data_no, data_en, data_cn = SETS[number]
        place = f"{number}|{self.own_key(number, record)}"
        data_key = self.book.get("own-key", place) if data_type != "1" else None
        if data_key is None:
            width = 22 - len(SYSTEM_NO) - len(data_no) - 8
            serial = self.book.next_number(f"DATA_KEY|{data_no}|{clock.d8()}")
            data_key = f"{SYSTEM_NO}{data_no}{clock.d8()}{serial:0{width}d}"
            self.book.put("own-key", place, data_key)
        title = {
            "CA_KEY": "JSGC-CA-01",
            "DATA_CN": data_cn,
            "DATA_EN": data_en,
            "DATA_KEY": data_key,
            "DATA_NO": data_no,
            "DATA_TYPE": data_type,
            "ROUTE_WAY": "0",
            "SYSTEM_NO": SYSTEM_NO,
        }
        return formats.get("des").encode(record, NO_HEAD, title, "CONTEXT")

    def read_answer(self, payload: bytes) -> Record:
        return formats.get("json").decode(payload).record

    # the data sets
    def project(self, deal: Deal) -> Record | None:
        return {
            "PROJECT_CODE": deal.project,
            "PROJECT_NAME": deal.title,
            "REGION_CODE": deal.region,
            "RELATE_CODE": "0",
            "ADDRESS": "上海市浦东新区G1503沿线",
            "LEGAL_PERSON": deal.tenderer.name,
            "CLASS_VER_CODE": "2",
            "INDUSTRIES_TYPE": "G54",
            "FUND_SOURCE": "财政资金",
            "PROJECT_SCALE": "路面铣刨加罩12.5公里及附属设施维修",
            "CONTACTOR": "王芳",
            "CONTACT_INFORMATION": "021-55550101",
            "APPROVAL_NAME": "关于养护工程计划的批复",
            "APPROVAL_AUTHORITY": AUTHORITY_NAME,
            "CREATE_TIME": clock.t14(),
            **_system(),
            "PROJECT_KIND": deal.kind,
            "PROJECT_LEVEL": deal.level,
            "PAY_ADM_DIV_CODE": deal.adm_div,
        }

    def tender(self, deal: Deal) -> Record:
        return {
            "PROJECT_CODE": deal.project,
            "TENDER_PROJECT_CODE": deal.tender,
            "IS_TO_LAW": "1",
            "TENDER_PROJECT_NAME": f"{deal.title}施工",
            "TENDER_PROJECT_TYPE": "A03",
            "REGION_CODE": deal.region,
            "TENDER_CONTENT": "路面铣刨加罩、桥梁伸缩缝更换及附属设施维修",
            "TENDERER_NAME": deal.tenderer.name,
            "TENDERER_CODE_TYPE": "1",
            "TENDERER_CODE": deal.tenderer.code,
            "ISUNION": "0",
            "TENDERER_ROLE": "01",
            "TENDER_AGENCY_NAME": AGENT_NAME,
            "TENDER_AGENCY_CODE_TYPE": "1",
            "TENDER_AGENCY_CODE": AGENT_CODE,
            "TENDER_AGENCY_ROLE": "02",
            "TENDER_MODE": "1",
            "TENDER_ORGANIZE_FORM": "2",
            "CREATE_TIME": clock.t14(),
            "SUPERVISE_DEPT_NAME": AUTHORITY_NAME,
            "SUPERVISE_DEPT_CODE": AUTHORITY_CODE,
            "APPROVE_DEPT_NAME": AUTHORITY_NAME,
            "REPORT_DUTY": "王芳",
            "ATTACHMENT_CODE": "0",
            **_system(),
        }

    def section(self, deal: Deal) -> Record:
        return {
            "TENDER_PROJECT_CODE": deal.tender,
            "BID_SECTION_CODE": deal.section,
            "BID_SECTION_NAME": f"{deal.title}施工标段",
            "BID_ECTION_NUM": "1",
            "UNIFIED_DEAL_CODE": deal.unified,
            "BID_TENDER_MODE": "1",
            "REGION_CODE": deal.region,
            "TRA_PLACE_CODE": "310000",
            "BID_SECTION_CONTENT": "K10+000至K22+500路面铣刨加罩",
            "TENDER_PROJECT_CLASSIFY_CODE": "A030101",
            "CONTRACT_RECKON_PRICE": deal.price,
            "CURRENCY_CODE": "156",
            "PRICE_UNIT": "0",
            "BID_QUALIFICATION": "公路养护工程施工资质",
            "LIMITE_TIME": "240",
            "CREATE_TIME": clock.t14(),
            **_system(),
            "TRADE_PLAT": TRADE_PLAT,
            "PUB_SERVICE_PLAT": TRADE_PLAT,
            "ROAD_CODE": "G1503",
            "CONTRACT_SCOPE_BEGIN": "K10+000",
            "CONTRACT_SCOPE_END": "K22+500",
            "LENGTH": "12.5",
        }

    def award(self, deal: Deal) -> Record:
        return {
            "TENDER_PROJECT_CODE": deal.tender,
            "BID_SECTION_CODE": deal.section,
            "UNIFIED_DEAL_CODE": deal.unified,
            "REGION_CODE": deal.region,
            "TRA_PLACE_CODE": "310000",
            "TENDER_AGENCY_NAM": AGENT_NAME,
            "TENDER_AGENCY_CODE": AGENT_CODE,
            "NOTICE_NAME": f"{deal.title}中标结果公告",
            "NOTICE_CONTENT": f"{deal.winner.name}中标",
            "NOTICE_SEND_TIME": clock.t14(),
            "NOTICE_MEDIA": "上海市公共资源交易平台",
            "URL": f"https://construction.example/notice/{deal.section}",
            "NOTICE_NATURE": "1",
            "BULLETIN_TYPE": "1",
            "WIN_BIDDER_NAME": deal.winner.name,
            "BIDDER_CODE_TYPE": "1",
            "WIN_BIDDER_CODE": deal.winner.code,
            "BIDDER_ROLE": "03",
            "PRICE_FORM_CODE": "1",
            "BID_AMOUNT": deal.price,
            "BID_CURRENCY": "156",
            "PRICE_UNIT": "0",
            "BULLETIN_DUTY": "王芳",
            "EXAMINER_NAME": "赵强",
            **_system(),
            "TRADE_PLAT": TRADE_PLAT,
            "PUB_SERVICE_PLAT": TRADE_PLAT,
            "NOTICE_SERIAL": "1",
        }

    def contract(self, deal: Deal) -> Record:
        return {
            "TENDER_PROJECT_CODE": deal.tender,
            "BID_SECTION_CODE": deal.section,
            "UNIFIED_DEAL_CODE": deal.unified,
            "CONTRACT_NAME": f"{deal.title}施工合同",
            "TENDERER_NAME": deal.tenderer.name,
            "TENDER_CODE": deal.tenderer.code,
            "BIDDER_NAME": deal.winner.name,
            "BIDDER_CODE": deal.winner.code,
            "CONTRACT_PRICE": deal.price,
            "PRICE_CURRENCY": "156",
            "PRICE_UNIT": "0",
            "PRICE_FORM_CODE": "1",
            "CONTRACT_CONTENT": "K10+000至K22+500路面铣刨加罩及附属设施维修",
            "CONTRACT_SIGN_TIME": clock.t14(),
            **_system(),
            "PUB_SERVICE_PLAT": TRADE_PLAT,
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
            "APPROVAL_RESULT": "同意",
            "APPROVAL_TIME": clock.t14(),
            **_system(),
        }

    def subject(self, one: Organisation, contact: str) -> Record:
        account = one.accounts[0]
        return {
            "LEGAL_NAME": one.name,
            "BIDDER_CODE_TYPE": "1",
            "LEGAL_CODE": one.code,
            "LEGAL_ROLE": one.roles,
            "LICENSE_NO": one.code,
            "LICENSE_END_DATE": "99991231",
            "LEGAL_REPRESENT": "陈建国",
            "LEGAL_TYPE": "1",
            "LEGAL_INDUSTRY": "E48",
            "COUNTRY_REGION": "156",
            "REGION_CODE": one.region,
            "BASIC_BANK": account.bank_name,
            "BASIC_BRANCH_BANK": account.bank_no,
            "BASIC_ACCOUNT_NO": account.no,
            "BASIC_ACCOUNT_NAME": account.name,
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
            **_system(),
        }

    def ticket(self, ticket: str) -> Record:
        return {"TICKET": ticket, "TARGET_SYSTEM": self.node, **_system()}


def _system() -> Record:
    """The fields that every data set ends with."""
    return {
        "PLATFORM_CODE": PLATFORM_CODE,
        "PUB_SERVICE_PLAT_CODE": PLATFORM_CODE,
        "DATA_TIMESTAMP": clock.t14(),
    }
