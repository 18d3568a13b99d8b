"""The data standard's files hold together: schemas, annotations, code tables, samples.

Reads the files with lxml alone and shares no code with the gateway's own validator.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
V1 = SCHEMAS / "standard" / "v1"
CODES = SCHEMAS / "codes"
NAMESPACE = "urn:sh-ggzy-czzf:datastd:1.0"
XS = "{http://www.w3.org/2001/XMLSchema}"
NSMAP: Any = {None: NAMESPACE}  # the stubs know no default namespace
META = "{urn:sh-ggzy-czzf:meta:1.0}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
INTEGERS = {"Count", "Serial", "PageSize", "FileSize"}
NO_USCC = {"98", "96", "95", "90"}

TYPES = """
1001 MarketSubjectSync 1002 SsoTicketVerify 1902 SsoTicketVerifyReply 1003 LogoutNotice
1004 PayeeAccountRegister 2001 ProjectSync 2006 TenderProjectSync 2007 SectionSync 2002 AwardResultSync
2003 ContractSync 2004 ContractPerformanceSync 2005 TransactionVoid 3001 PaymentApplication
3002 InvoiceUpload 3003 InvoiceCheckResult 3004 PaymentApplicationWithdraw 4001 TendereeReviewResult
4002 PaymentApplicationPush 4003 AuthorityReviewResult 4004 ReturnNotice 5001 PaymentResult
5002 PaymentReturn 5003 RefundNotice 5004 PaymentResultForward 6001 ProgressQuery 6002 ProgressReply
6003 StatusEvent 7001 ReconcileRequest 7002 ReconcileReply 8001 CommonAck 8002 BusinessReceipt
9001 HeartBeat 9002 CertUpdate 9003 CodeTableSync
"""
NUMBERS = dict(re.findall(r"(\d{4}) (\w+)", TYPES))
each_type = pytest.mark.parametrize("number", NUMBERS)


@cache
def tree(name: str) -> etree._Element:
    return etree.parse(str(V1 / name)).getroot()


@cache
def schema(number: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(V1 / f"{number}-{NUMBERS[number]}.xsd"))


@cache
def sample(number: str) -> Any:
    return json.loads((V1 / "samples" / f"{number}-{NUMBERS[number]}.json").read_text("utf-8"))


@cache
def table(name: str) -> dict[str, dict[str, str]]:
    if name == "code-table":  # the tables that are not marked as fixed
        lines = re.findall(r"^  - \{id: ([a-z-]+),(.*)\}$", (CODES / "tables.yaml").read_text("utf-8"), re.M)
        return {name: {} for name, rest in lines if "fixed: true" not in rest}
    with (CODES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: row for row in csv.DictReader(file)}


@cache
def shared(tag: str) -> dict[str, etree._Element]:
    return {node.get("name", ""): node for node in tree("types.xsd").iterchildren(XS + tag)}


def type_element(number: str) -> etree._Element:
    (found,) = tree(f"{number}-{NUMBERS[number]}.xsd").iterchildren(XS + "element")
    return found


def children(element: etree._Element) -> list[etree._Element]:
    """The declared children of an element, in order; [] for a leaf."""
    holder = element.find(XS + "complexType")
    if holder is None:
        holder = shared("complexType").get(element.get("type", ""))
    return [] if holder is None else list(holder.iterfind(f"{XS}sequence/{XS}element"))


def meta(element: etree._Element, name: str) -> etree._Element | None:
    found: etree._Element | None = element.find(f"{XS}annotation/{XS}appinfo/{META}{name}")
    return found


def meta_text(element: etree._Element, name: str) -> str:
    found = meta(element, name)
    return "" if found is None else found.text or ""


def to_xml(number: str, record: Any) -> etree._Element:
    """A record as the type's element; keys keep the record's order, so a wrong order is found."""

    def fill(parent: etree._Element, value: Any) -> None:
        if not isinstance(value, dict):
            parent.text = str(value)
            return
        for name, inner in value.items():
            for one in inner if isinstance(inner, list) else [inner]:
                fill(etree.SubElement(parent, f"{{{NAMESPACE}}}{name}"), one)

    root = etree.Element(f"{{{NAMESPACE}}}{NUMBERS[number]}", nsmap=NSMAP)
    fill(root, record)
    return root


def leaves(number: str) -> Iterator[tuple[str, etree._Element, Any, dict[str, Any]]]:
    """(path, declaration, value, record that holds it) of every leaf of a type's sample."""

    def walk(element: etree._Element, value: Any, path: str, holder: dict[str, Any]) -> Any:
        inside = children(element)
        if not inside:
            yield path, element, value, holder
            return
        for child in inside:
            found = value.get(child.get("name"))
            for one in found if isinstance(found, list) else [] if found is None else [found]:
                yield from walk(child, one, f"{path}/{child.get('name')}", value)

    yield from walk(type_element(number), sample(number), NUMBERS[number], {})


def declarations(number: str) -> Iterator[tuple[str, etree._Element]]:
    def walk(element: etree._Element, path: str) -> Iterator[tuple[str, etree._Element]]:
        for child in children(element):
            place = f"{path}/{child.get('name')}".lstrip("/")
            yield place, child
            yield from walk(child, place)

    yield from walk(type_element(number), "")


# schemas


def test_every_type_of_the_standard_has_a_schema_and_there_are_no_others() -> None:
    expected = {f"{number}-{name}.xsd" for number, name in NUMBERS.items()} | {"types.xsd", "envelope.xsd"}
    assert {file.name for file in V1.glob("*.xsd")} == expected
    assert {file.stem for file in (V1 / "samples").iterdir()} == {
        f"{n}-{name}" for n, name in NUMBERS.items()
    }


@each_type
def test_a_schema_compiles_and_declares_one_element_named_like_the_type(number: str) -> None:
    assert schema(number) is not None
    root = tree(f"{number}-{NUMBERS[number]}.xsd")
    assert root.get("targetNamespace") == NAMESPACE
    assert root.get("elementFormDefault") == "qualified"
    assert type_element(number).get("name") == NUMBERS[number]


@pytest.mark.parametrize("file", sorted(file.name for file in V1.glob("*.xsd")))
def test_every_element_is_annotated_in_both_languages(file: str) -> None:
    for element in tree(file).iter(XS + "element"):
        texts = {
            node.get(LANG): (node.text or "").strip()
            for node in element.iterfind(f"{XS}annotation/{XS}documentation")
        }
        place = f"{file}: {element.get('name')}"
        assert re.search(r"[\u4e00-\u9fff]", texts.get("zh", "")), place
        assert texts.get("en") and not re.search(r"[\u4e00-\u9fff]", texts["en"]), place


@cache
def foreign_names() -> frozenset[str]:
    """Every tag that the platforms' own schemas declare."""
    files = (SCHEMAS / "platforms").glob("*/*.xsd")
    return frozenset(
        str(node.get("name")) for file in files for node in etree.parse(str(file)).iter(XS + "element")
    )


@pytest.mark.parametrize("file", sorted(file.name for file in V1.glob("*.xsd")))
def test_every_element_of_a_message_names_its_source_and_a_national_tag_exists(file: str) -> None:
    """A message's own element and the envelope's frame stem from nowhere; everything else says where from:
    UPPER_CASE a tag of the national specification, CamelCase a field of a voucher or invoice, snake_case
    a column of 一体化, (P) a proposal."""
    frame = {"Msg", "Head", "Body"} | set(NUMBERS.values())
    for element in tree(file).iter(XS + "element"):
        if element.get("name") in frame:
            continue
        source = meta_text(element, "source")
        assert source, f"{file}: {element.get('name')} has no source"
        tags = re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", re.sub(r"\bJT_SECTION\b", "", source))
        unknown = [tag for tag in tags if tag not in foreign_names()]
        assert not unknown, f"{file}: {element.get('name')}: {unknown}"


@each_type
def test_a_short_code_names_its_table(number: str) -> None:
    for place, element in declarations(number):
        if re.fullmatch(r"Code[0-9]+", element.get("type", "")):
            assert meta_text(element, "codes"), f"{number}: {place}"


@pytest.mark.parametrize("file", sorted(file.name for file in V1.glob("*.xsd")))
def test_every_code_table_that_a_schema_names_exists(file: str) -> None:
    for node in tree(file).iter(META + "codes"):
        assert table(node.text or ""), f"{file}: {node.text}"


@each_type
def test_a_type_says_how_it_is_keyed_and_routed(number: str) -> None:
    element = type_element(number)
    names = {child.get("name") for child in children(element)}
    assert meta_text(element, "number") == number
    assert meta_text(element, "step") in table("biz-type")
    assert meta_text(element, "lane") in ("payment", "case", "bulk")
    assert meta_text(element, "versioned") == ("false" if number in ("3004", "4002") else "true")
    assert meta_text(element, "answer") == {"1002": "1902", "6001": "6002"}.get(number, "")
    assert (meta_text(element, "money") == "true") == (number in ("4002", "5001", "5003"))
    assert (meta_text(element, "fact") == "true") == (number in ("5001", "5002", "5003"))
    for part in meta_text(element, "key").split("|"):
        hashed = re.fullmatch(r"sm3\((\w+)\)", part)
        assert (hashed.group(1) if hashed else part) in names


@each_type
def test_leaf_types_are_shared_and_only_counters_are_numbers(number: str) -> None:
    for place, element in declarations(number):
        if children(element):
            continue
        simple = shared("simpleType").get(element.get("type", ""))
        assert simple is not None, place
        restriction = simple.find(XS + "restriction")
        assert restriction is not None
        base = restriction.get("base")
        assert base == ("xs:integer" if element.get("type") in INTEGERS else "xs:string"), place
        pattern = simple.find(f"{XS}restriction/{XS}pattern")
        # \d means every digit of Unicode in XSD: canonical bytes need 0-9.
        assert pattern is None or "\\d" not in pattern.get("value", ""), place


@each_type
def test_lists_are_wrapped_and_bounded(number: str) -> None:
    for place, element in declarations(number):
        assert element.get("maxOccurs") != "unbounded", place
        repeated = [child for child in children(element) if int(child.get("maxOccurs", "1")) > 1]
        assert not repeated or len(children(element)) == 1, place
    assert all(child.get("maxOccurs", "1") == "1" for child in children(type_element(number)))


def test_accounts_and_persons_are_marked() -> None:
    persons = re.compile(
        r"(Reviewer(Id|Name)|Contact(Name|Phone)|Applicant(Phone)?|LegalRepresent|IdNo|UserName)$"
    )
    for number in NUMBERS:
        for place, element in declarations(number):
            expected = "account" if place.endswith(("AcctNo", "Ticket", "SessionId")) else ""
            expected = "personal" if persons.search(place) else expected
            if expected:
                assert meta_text(element, "sensitive") == expected, f"{number}: {place}"
            assert meta_text(element, "sensitive") in ("", "account", "personal"), f"{number}: {place}"


# samples


@each_type
def test_a_sample_is_valid_and_its_first_required_element_is_missed(number: str) -> None:
    root = to_xml(number, sample(number))
    schema(number).assertValid(etree.fromstring(etree.tostring(root)))
    required = next(child for child in children(type_element(number)) if child.get("minOccurs") != "0")
    (first,) = root.iterchildren(f"{{{NAMESPACE}}}{required.get('name')}")
    root.remove(first)
    assert not schema(number).validate(root)


@each_type
def test_a_sample_holds_integers_only_where_the_schema_counts(number: str) -> None:
    for path, element, value, _ in leaves(number):
        assert isinstance(value, int if element.get("type") in INTEGERS else str), path


@each_type
def test_the_codes_of_a_sample_are_in_their_tables(number: str) -> None:
    for path, element, value, _ in leaves(number):
        codes = meta(element, "codes")
        if codes is None or codes.text is None:
            continue
        for code in value.split(codes.get("separator")) if codes.get("separator") else [value]:
            assert code in table(codes.text), f"{path}: {code}"


@each_type
def test_the_check_digits_and_byte_lengths_of_a_sample_hold(number: str) -> None:
    checks = {"USCC": is_uscc, "UnifiedDealCode": is_unified_deal_code, "CnapsNo": is_cnaps}
    for path, element, value, holder in leaves(number):
        kind = element.get("type")
        if kind == "PartyCode":
            sibling = meta_text(element, "codetype")
            if holder.get(sibling, "97") in NO_USCC:
                continue
            kind = "USCC"
        if kind in checks:
            assert checks[kind](value), f"{path}: {value}"
        gbk = meta(element, "gbk")
        if gbk is not None:
            assert len(value.encode("gbk")) <= int(gbk.get("max", "0")), path


def test_the_samples_tell_one_story_from_subject_to_payment() -> None:
    contract, application, push, paid = (sample(n) for n in ("2003", "3001", "4002", "5001"))
    tender, section, award = sample("2006"), sample("2007"), sample("2002")
    assert tender["ProjectCode"] == sample("2001")["ProjectCode"]
    assert tender["TenderProjectCode"].startswith(tender["ProjectCode"])
    assert section["BidSectionCode"].startswith(section["TenderProjectCode"])
    deals = {
        sample(n)["UnifiedDealCode"] for n in ("2007", "2002", "2003", "2004", "2005", "3001", "4002", "5004")
    }
    assert len(deals) == 1 and section["PlatformCode"] in deals.pop()
    assert award["Bidders"]["Bidder"][0]["Code"] == contract["Bidders"]["Bidder"][0]["Code"]
    winner, tenderer = contract["Bidders"]["Bidder"][0]["Code"], contract["Tenderers"]["Tenderer"][0]["Code"]
    assert sample("1001")["LegalCode"] == sample("1004")["LegalCode"] == winner
    assert {payee["PayeeCode"] for payee in application["Payees"]["Payee"]} == {winner}
    assert {one["BuyerTaxNo"] for one in application["Invoices"]["Invoice"]} == {tenderer}
    assert application["TendererCode"] == push["TendererCode"] == tenderer
    assert application["AdmDivCode"] == push["AdmDivCode"] == contract["PayAdmDivCode"]
    assert application["ProjectKind"] == push["ProjectKind"] == contract["ProjectKind"]
    numbers = {
        sample(n)["PayAppNo"]
        for n in ("3001", "3004", "4001", "4002", "4003", "4004", "5001", "5003", "6003")
    }
    assert numbers == {application["PayAppNo"]}
    assert paid["XPayeeAcctNo"] == push["Payees"]["Payee"][0]["AcctNo"] == sample("1004")["AcctNo"]
    assert sample("8002")["BizKey"] == push["PayAppNo"]


def test_the_amounts_of_the_samples_add_up() -> None:
    application, push = sample("3001"), sample("4002")
    invoices, payees = application["Invoices"]["Invoice"], application["Payees"]["Payee"]
    assert fen(application["InvoiceTotal"]) == sum(fen(one["AmountWithTax"]) for one in invoices)
    assert fen(application["AppAmount"]) == sum(fen(one["Amount"]) for one in payees)
    assert fen(application["AppAmount"]) <= sum(fen(one["UsedAmount"]) for one in invoices)
    assert fen(push["PayAmt"]) == sum(fen(one["Amount"]) for one in push["Payees"]["Payee"])
    assert push["PayAmt"] == sample("4001")["ApprovedAmount"] <= application["AppAmount"]
    for one in invoices:
        assert fen(one["AmountWithoutTax"]) + fen(one["TaxAmount"]) == fen(one["AmountWithTax"])
    request = sample("7001")
    assert fen(request["AllAmt"]) == sum(fen(line["XPayAmt"]) for line in request["Detail"]["Line"])
    assert request["AllNum"] == len(request["Detail"]["Line"])
    forwarded, contract = sample("5004"), sample("2003")
    share = fen(forwarded["ContractPaidTotal"]) * 10000 / fen(contract["ContractPrice"])
    assert abs(share - float(forwarded["ContractPaidRatio"]) * 100) < 1


def test_the_envelope_takes_every_sample_with_a_whole_head() -> None:
    envelope = etree.XMLSchema(file=str(V1 / "envelope.xsd"))
    body = to_xml("9001", sample("9001"))
    digest = hashlib.new("sm3", etree.tostring(body, method="c14n", exclusive=True)).hexdigest()
    key = "9001|GGZY-ZPT|20240618093000123|1|1"
    head = {
        "Ver": "1.0",
        "MsgNo": "9001",
        "MsgId": digest[:32],
        "MsgRef": digest[:32],
        "Src": "GGZY-ZPT",
        "Des": "GW",
        "AdmDivCode": "310000",
        "StYear": "2024",
        "BizType": "00",
        "BizKey": sample("9001")["Time"],
        "BizVersion": "1",
        "OperType": "1",
        "IdemKey": hashlib.new("sm3", key.encode()).hexdigest(),
        "BodyDigest": digest,
        "WorkDate": "20240618",
        "SendTime": "20240618093000123",
        "RetryNo": "0",
    }
    message = etree.Element(f"{{{NAMESPACE}}}Msg", nsmap=NSMAP)
    holder = etree.SubElement(message, f"{{{NAMESPACE}}}Head")
    for name, value in head.items():
        etree.SubElement(holder, f"{{{NAMESPACE}}}{name}").text = value
    etree.SubElement(message, f"{{{NAMESPACE}}}Body").append(body)
    envelope.assertValid(message)
    del holder[3]
    assert not envelope.validate(message)


# Check digits, written here a second time on purpose.


def fen(text: str) -> int:
    return int(text.replace(".", ""))


def is_uscc(code: str) -> bool:
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    organ = [int(c) if c.isdigit() else ord(c) - 55 for c in code[8:16]]
    inner = (11 - sum(w * v for w, v in zip((3, 7, 9, 10, 5, 8, 4, 2), organ, strict=True)) % 11) % 11
    total = sum(letters.index(c) * pow(3, place, 31) for place, c in enumerate(code[:17]))
    return code[16] == "0123456789X"[inner] and code[17] == letters[-total % 31]


def is_unified_deal_code(code: str) -> bool:
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
    value = 0
    for c in code.replace("-", "")[:-1]:
        value = (value + letters.index(c)) * 2 % 37
    return (value + letters.index(code[-1])) % 37 == 1


def is_cnaps(code: str) -> bool:
    value = 10
    for c in code[:-1]:
        value = ((value + int(c)) % 10 or 10) * 2 % 11
    return (value + int(code[-1])) % 10 == 1
