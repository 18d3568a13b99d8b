"""What the platforms send is valid by their own schemas, and by the standard where they speak it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import clock, xmltree
from gateway.formats import formats
from gateway.message import Record
from gateway.sandbox.applications import (
    Entry,
    application_record,
    new_certificate,
    new_e_invoice,
    new_scanned_invoice,
    push_record,
    review_record,
)
from gateway.sandbox.construction import SETS, ConstructionPlatform
from gateway.sandbox.forms import Forms, biz_key, tag
from gateway.sandbox.people import account_record, new_company, new_tenderer, subject_record
from gateway.sandbox.place import GENERAL, find_schemas
from gateway.sandbox.procurement import ELEMENTS, ProcurementPlatform
from gateway.sandbox.sub import NO_HEAD, SubPlatform
from gateway.sandbox.trade import Deal, Place, beside, new_purchase, new_works
from gateway.standard import Standard

STANDARD = Standard.load(find_schemas())
COMPANY = new_company("上海浦江公路养护工程有限公司", "310115")
TENDERER = new_tenderer("上海市公路养护事务中心", "310000", "125001")
WORKS = new_works("G1503浦东段养护工程", TENDERER, COMPANY, "11440000.00", Place())
PURCHASE = new_purchase("公路日常养护服务", TENDERER, COMPANY, "5600000.00", Place())


def sets_of(kind: type[SubPlatform], deal: Deal) -> list[tuple[str, Record]]:
    """Everything that a sub-platform sends; the writing of it needs no running platform."""
    platform = object.__new__(kind)
    platform.node = "GGZY-JSGC"
    found = [(number, record) for number, record, _ in platform.messages_of(deal)]
    found.append(("1001", platform.subject(COMPANY, "李明")))
    found.append(("2005", platform.exception(deal, "协商解除")))
    found.append(("6001", platform.query("SQ-310000-20261124-00001", COMPANY.person("李明"), "Q-1")))
    found.append(("1002", platform.ticket("T" * 32)))
    return found


@pytest.mark.parametrize("deal", [WORKS, beside(WORKS, "800000.00")])
def test_constructions_data_sets_are_valid(deal: Deal) -> None:
    forms = Forms(find_schemas() / "platforms" / "construction")
    for number, record in sets_of(ConstructionPlatform, deal):
        data = formats.get("xml-bare").encode(record, NO_HEAD, {}, "CONTEXT")
        assert forms.check(SETS[number][0], xmltree.parse(data)) == [], number


def test_procurements_forms_are_valid() -> None:
    forms = Forms(find_schemas() / "platforms" / "procurement")
    for number, record in sets_of(ProcurementPlatform, PURCHASE):
        element = ELEMENTS[number]
        data = formats.get("xml-bare").encode(record, NO_HEAD, {}, element)
        assert forms.check(element, xmltree.parse(data)) == [], number


def test_a_breach_of_a_form_is_named_by_its_tag() -> None:
    forms = Forms(find_schemas() / "platforms" / "construction")
    record = dict(sets_of(ConstructionPlatform, WORKS)[0][1])
    record["PROJECT_LEVEL"] = "7"
    data = formats.get("xml-bare").encode(record, NO_HEAD, {}, "CONTEXT")
    assert any("PROJECT_LEVEL" in fault for fault in forms.check("500", xmltree.parse(data)))


def check(number: str, record: Record) -> None:
    assert STANDARD.validate(number, record, on=clock.now().date()) == []


def test_what_the_general_platform_sends_is_valid_by_the_standard() -> None:
    for one in (COMPANY, TENDERER):
        check("1001", subject_record(one))
    for account in COMPANY.accounts:
        check("1004", account_record(COMPANY, account))
    invoices = [new_e_invoice(WORKS, "1860000.00"), new_scanned_invoice(WORKS, "1000000.00")]
    applicant, handler, head = (COMPANY.person("李明"), TENDERER.person("吴伟"), TENDERER.person("周敏"))
    application = application_record(
        "SQ-310000-20261124-00001",
        WORKS,
        invoices,
        applicant,
        Entry("GGZY-JSGC", by_jump=True),
        period=1,
        wages="400000.00",
        attachments=[new_certificate()],
    )
    check("3001", application)
    reviews = [
        review_record(application, person, Entry(GENERAL), round=1, node=node, result="1", opinion="同意")
        for person, node in ((handler, "01"), (head, "03"))
    ]
    for review in reviews:
        check("4001", review)
    check("4002", push_record(application, reviews, "ZF20261124000001", round=1))


def test_one_payee_is_a_single_payment_and_two_are_a_batch() -> None:
    person = COMPANY.person("李明")
    invoice = new_e_invoice(WORKS, "1000.00")
    kinds = []
    for wages in ("0", "100.00"):
        application = application_record(
            "SQ-310000-20261124-00001", WORKS, [invoice], person, Entry(GENERAL), period=1, wages=wages
        )
        review = review_record(
            application, person, Entry(GENERAL), round=1, node="03", result="1", opinion="同意"
        )
        kinds.append(push_record(application, [review], "ZF1", round=1)["BusinessTypeCode"])
    assert kinds == ["1", "4"]


def test_a_business_key_is_the_same_in_every_platforms_names() -> None:
    record = {"PayAppNo": "SQ-1", "ReviewRound": "2", "ReviewNode": "03"}
    upper = {tag(name): value for name, value in record.items()}
    assert upper == {"PAY_APP_NO": "SQ-1", "REVIEW_ROUND": "2", "REVIEW_NODE": "03"}
    assert biz_key("4001", record) == biz_key("4001", upper, upper=True) == "SQ-1|2|03"


def test_the_schemas_are_found_from_the_repository() -> None:
    assert (find_schemas() / "platforms").is_dir()
    assert isinstance(find_schemas(), Path)
