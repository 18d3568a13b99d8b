"""Words, steps and masks, without a server."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import orjson
import pytest
from aiohttp.test_utils import make_mocked_request
from lxml import etree

from gateway.alarmrules import SEVERITIES, Rule, rule_faults
from gateway.console.headers import scheme_of
from gateway.console.masked import Masker, indented, readable
from gateway.console.places import PLACES
from gateway.console.reconciliations import STATES
from gateway.console.steps import seven_steps
from gateway.console.texts import LANGUAGES, TEXTS, translate
from gateway.evidence.chain import GAP, GROWN, KEY, SIGNATURE
from gateway.evidence.chain import ROOT as ROOT_FAULT
from gateway.message import DeliveryState, MessageState
from gateway.payments.ground import Application, TraceStep
from gateway.payments.reconciling import KINDS
from gateway.payments.states import MOVES
from gateway.rights import ROLES
from gateway.store.accountrows import ACTIVE, INVITED, LOCKED
from tests.console.conftest import ROOT

GATEWAY = ROOT / "gateway"
TEMPLATES = ROOT / "gateway" / "console" / "templates"
APPLICATION = Application(
    "SQ-1", "HT-1", "20", "GGZY-JSGC", "T", ("P",), "310000", "01", "2026", 100, 0, state_at=1, opened_at=1
)


def test_every_word_of_the_templates_is_in_the_table() -> None:
    used = {
        key
        for path in TEMPLATES.glob("*.html")
        for key in re.findall(r"\bt\('([a-z.-]+[a-z0-9])'", path.read_text(encoding="utf-8"))
    }
    assert len(used) > 40
    assert used - set(TEXTS) == set()


def test_every_state_has_a_word() -> None:
    states = [*MessageState, *DeliveryState]
    assert [state for state in states if f"state.{state}" not in TEXTS] == []


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_both_languages_take_the_same_values(key: str) -> None:
    zh, en = TEXTS[key]
    assert zh and en
    assert set(re.findall(r"{\d}", zh)) == set(re.findall(r"{\d}", en))
    for language in LANGUAGES:
        assert "{" not in translate(language, key, 1, 2, 3)


@pytest.mark.parametrize("state", sorted(MOVES))
def test_every_state_draws_seven_steps_with_one_place(state: str) -> None:
    trace = [TraceStep("SQ-1", "3001", "10", "20", 5), TraceStep("SQ-1", "4002", "30", "40", 9)]
    marks = [step.mark for step in seven_steps(replace(APPLICATION, state=state), trace)]
    assert len(marks) == 7
    assert sum(mark in ("now", "returned", "ended") for mark in marks) == (0 if state in PAID else 1)
    assert marks == sorted(marks, key=["done", "now", "returned", "ended", "open"].index)


PAID = {"70", "71", "80", "81"}


def test_a_case_that_ended_stays_where_it_was() -> None:
    trace = [
        TraceStep("SQ-1", "3001", "10", "20", 5),
        TraceStep("SQ-1", "4001", "20", "30", 6),
        TraceStep("SQ-1", "4001", "30", "31", 7),
        TraceStep("SQ-1", "3004", "31", "90", 8),
    ]
    marks = [step.mark for step in seven_steps(replace(APPLICATION, state="90"), trace)]
    assert marks == ["done", "done", "done", "ended", "open", "open", "open"]


def test_sensitive_values_are_masked_in_lists_and_wherever_else_they_stand() -> None:
    record = {"Payees": {"Payee": [{"AcctNo": "6222020200112233445"}, {"AcctNo": "31001234567890123456"}]}}
    masker = Masker(record, {"Payees/Payee/AcctNo": "account"})
    shown = masker.text("<A>6222020200112233445</A> 31001234567890123456 ok")
    assert "6222020200112233445" not in shown
    assert shown == "<A>****3445</A> ****3456 ok"


@pytest.mark.parametrize(
    ("host", "scheme"),
    [("127.0.0.1:8450", "http"), ("localhost", "http"), ("[::1]:1", "http"), ("gateway.example", "https")],
)
def test_a_link_is_told_as_the_browser_speaks(host: str, scheme: str) -> None:
    """Behind a proxy that speaks TLS for us."""
    assert scheme_of(make_mocked_request("GET", "/", headers={"Host": host})) == scheme


def test_a_sensitive_value_is_masked_as_xml_and_json_spell_it() -> None:
    names = ["张&李三丰", 'O"Neill <Sr>', "C:\\陈"]
    masker = Masker({"Names": {"Name": names}}, {"Names/Name": "personal"})
    root = etree.Element("Names", only=names[1])
    for name in names:
        etree.SubElement(root, "Name").text = name
    for text in (indented(root), orjson.dumps(names).decode(), str(names[0])):
        shown = masker.text(text)
        assert not re.search("三丰|Neill|陈", shown) and "张***" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tel 13812345678.", "tel 138****5678."),
        ("11010519491231002X", "1****************X"),
        ("91310000132206289R", "91310000132206289R"),
        ("V20261381234567890", "V20261381234567890"),
        ("a1b2c13812345678d", "a1b2c13812345678d"),
    ],
)
def test_numbers_of_persons_are_masked_by_their_form(text: str, shown: str) -> None:
    assert Masker({}, {}).text(text) == shown


@pytest.mark.parametrize(
    ("data", "name", "shown"),
    [
        (b'{"a":1}', "", '{\n  "a": 1\n}'),
        (b"<A><B>1</B></A>", "des", "<A>\n  <B>1</B>\n</A>"),
        ('<?xml version="1.0" encoding="GBK"?><A>中</A>'.encode("gbk"), "xml", "<A>中</A>"),
        (b"not <xml", "", "not <xml"),
        (b"{broken", "", "{broken"),
        (b"\xff\xfe\x00", "mof-voucher", None),
        (b"", "", ""),
    ],
)
def test_every_form_is_readable_whatever_it_holds(data: bytes, name: str, shown: str | None) -> None:
    text = readable(data, name)
    assert shown is None or text == shown


def in_the_code(pattern: str, *files: str) -> set[str]:
    return {found for file in files for found in re.findall(pattern, (GATEWAY / file).read_text("utf-8"))}


def test_every_role_place_and_state_of_a_user_has_a_word() -> None:
    wanted = {
        *(f"role.{role}" for role in ROLES),
        *(f"nav.{place.name}" for place in PLACES),
        *(f"user.{state}" for state in (INVITED, ACTIVE, LOCKED)),
        *(f"users.{act}{more}" for act in ("lock", "unlock", "reset") for more in ("", "-hint")),
    }
    assert wanted - set(TEXTS) == set()


def test_whatever_is_wrong_with_an_account_has_words() -> None:
    faults = in_the_code(r'AccountFault\("([a-z.-]+)"\)', "accounts.py", "console/users.py")
    faults |= in_the_code(r'return "([a-z]+\.[a-z-]+)"', "rights.py", "security/passwords.py")
    faults |= in_the_code(r'fault="([a-z]+\.[a-z-]+)"', "console/signing.py", "console/account.py")
    assert len(faults) > 15 and faults - set(TEXTS) == set()


def test_every_act_of_the_audit_has_a_name() -> None:
    acts = in_the_code(r'\.did\("([a-z -]+)"', "accounts.py")
    acts |= in_the_code(
        r'audit\(request, "([a-z -]+)"',
        "console/messages.py",
        "console/audits.py",
        "console/platforms.py",
        "console/reconciliations.py",
    )
    acts |= (
        in_the_code(
            r'NewAct\(actor, "([a-z -]+)"', "store/steering.py", "store/alarming.py", "store/notifications.py"
        )
        | in_the_code(r'"((?:ask|approve|decline) resolve)"', "store/requests.py")
        | {"replay", "discard", "done"}
    )
    assert len(acts) > 15 and {"act." + act.replace(" ", "-") for act in acts} - set(TEXTS) == set()


def test_alarms_days_and_proofs_have_words_for_all_that_they_say() -> None:
    rule = Rule("", "", "", "", (), "", math.nan, -1, "", ("x",), -1)
    wanted = {
        *(f"rule.{field}" for field in rule_faults(rule, [])),
        *(f"severity.{one}" for one in SEVERITIES),
        *(f"alarm.{one}" for one in ("firing", "acknowledged", "ended")),
        *(f"told.{one}" for one in ("fired", "repeated", "ended", "test")),
        *(f"sent.{one}" for one in ("ready", "done", "dead")),
        *(f"days.{one}" for one in (*KINDS, *STATES)),
        *(f"broken.{one}" for one in (SIGNATURE, KEY, ROOT_FAULT, GROWN, GAP)),
        *in_the_code(r'fault="(evidence[.][a-z-]+)"', "console/evidence.py"),
    }
    assert len(wanted) > 35 and wanted - set(TEXTS) == set()
