"""A loaded mapping: its names and version, envelope, lineage; and the set of all mappings."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigError, MessageError
from gateway.mapping import Context, load_mapping, load_mappings, reload_mappings
from gateway.standard import Standard
from tests.unit.mapping.conftest import ACK, ACK_FIELDS, ROOT, Loading

AWARD = ROOT / "mappings/construction/AwardResultSync.in.yaml"
PUSH = ROOT / "mappings/treasury/PaymentApplicationPush.out.yaml"


def test_a_mapping_knows_what_it_is(standard: Standard) -> None:
    mapping = load_mapping(AWARD, standard)
    assert (mapping.message, mapping.number, mapping.direction) == ("AwardResultSync", "2002", "in")
    assert (mapping.profile, mapping.format, mapping.root) == ("construction", "des", "CONTEXT")
    version, _, digest = mapping.version.partition("-")
    assert version == "1"
    assert len(digest) == 8


def test_the_version_follows_the_content(tmp_path: Path, standard: Standard) -> None:
    path = tmp_path / "p" / "CommonAck.in.yaml"
    path.parent.mkdir()
    path.write_text(f"{ACK}fields:\n{ACK_FIELDS}", encoding="utf-8")
    before = load_mapping(path, standard).version
    path.write_text(f"{ACK}fields:\n{ACK_FIELDS}# changed\n", encoding="utf-8")
    assert load_mapping(path, standard).version != before


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("UnifiedDealCode", "UNIFIED_DEAL_CODE"),
        ("BidAmount", "BID_AMOUNT"),
        ("Bidders/Bidder[2]/Code", "WIN_BIDDER_CODE"),
        ("Bidders/Bidder[2]/Name", "WIN_BIDDER_NAME"),
        ("Bidders/Bidder[2]/Nothing", "WIN_BIDDER_NAME"),
        ("Bidders/Bidder", "WIN_BIDDER_NAME"),
        ("Bidders", "WIN_BIDDER_NAME"),
        ("UnionFlag", "UNION_NAME"),
        ("WinNoticeCode", ""),
        ("", ""),
    ],
)
def test_a_place_in_the_standard_is_told_in_the_senders_words(
    target: str, source: str, standard: Standard
) -> None:
    assert load_mapping(AWARD, standard).source_of(target) == source


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("DetailList/Detail[3]/PayeeAcctNo", "Payees/Payee[3]/AcctNo"),
        ("DetailList/Detail[3]/AgencyCode", "AgencyCode"),
        ("DetailList/Detail/PayeeAcctNo", "Payees/Payee/AcctNo"),
        ("InvoiceList/Invoice[12]", "Invoices/Invoice[12]"),
        ("PaySummaryName", "PaySummaryName"),
        ("TreCode", "platform/TreCode"),
    ],
)
def test_lineage_keeps_the_index_of_an_item(target: str, source: str, standard: Standard) -> None:
    assert load_mapping(PUSH, standard).source_of(target) == source


def test_lineage_goes_through_let(standard: Standard) -> None:
    mapping = load_mapping(ROOT / "mappings/treasury/PaymentResult.in.yaml", standard)
    assert mapping.source_of("XPayAmt") == "DetailList/Detail/XPayAmt"


def test_the_trace_names_the_origin_of_every_value(standard: Standard) -> None:
    mapping = load_mapping(PUSH, standard)
    record = standard.sample("4002")
    context = Context({"BizKey": "k", "BizVersion": "1"}, {"TreCode": "t"}, None)
    origins = mapping.trace(record, context).origins
    assert origins["DetailList/Detail[1]/PayeeAcctName"] == ("Payees/Payee[1]/AcctName",)
    assert origins["DetailList/Detail[1]/Id"] == ("VoucherNo",)
    assert origins["TreCode"] == ("platform/TreCode",)


def test_the_envelope_of_an_incoming_message_must_be_what_is_declared(standard: Standard) -> None:
    mapping = load_mapping(AWARD, standard)
    mapping.check_envelope({"DATA_NO": "513", "DATA_EN": "WIN_RESULT_ANNO", "CA_KEY": "x"})
    with pytest.raises(MessageError) as caught:
        mapping.check_envelope({"DATA_NO": "512"})
    assert [(one.code, one.source_path, one.found) for one in caught.value.faults] == [
        ("mapping.envelope", "DATA_NO", "512"),
        ("mapping.envelope", "DATA_EN", ""),
    ]


def test_the_envelope_of_an_outgoing_message_is_computed(load: Loading) -> None:
    text = (
        "message: LogoutNotice\ndirection: out\nformat: des\nversion: 1\n"
        "envelope: {SYSTEM_NO: platform/SystemNo, CA_KEY: 'head/IdemKey | substring(1, 4) | upper', DATA_NO: = \"913\", DATA_CN: SessionId}\n"
        "fields: {USER: UserId}\n"
    )
    mapping = load(text, "LogoutNotice.out.yaml")
    context = Context({"IdemKey": "abcdef"}, {"SystemNo": "9120"})
    assert mapping.envelope({"UserId": "u"}, context) == {
        "SYSTEM_NO": "9120",
        "CA_KEY": "ABCD",
        "DATA_NO": "913",
    }
    with pytest.raises(MessageError):
        mapping.envelope({"SessionId": ["a", "b"]}, context)


def test_a_mapping_without_an_envelope_has_none(load: Loading) -> None:
    mapping = load(f"{ACK}fields:\n{ACK_FIELDS}")
    assert mapping.envelope({}, Context()) == {}
    mapping.check_envelope({"anything": "goes"})


def test_a_set_is_asked_by_number_or_name(standard: Standard) -> None:
    mappings = load_mappings(ROOT / "mappings", standard)
    found = mappings.find("construction", "2002", "in")
    assert found is not None
    assert mappings.get("construction", "AwardResultSync", "in") is found
    assert mappings.find("construction", "2002", "out") is None
    with pytest.raises(LookupError, match="construction/9999"):
        mappings.get("construction", "9999", "in")
    assert len(mappings) == len(list(mappings))


def test_two_profiles_are_two_mappings(tmp_path: Path, standard: Standard) -> None:
    for profile in ("a", "b", "fragments"):
        (tmp_path / profile).mkdir()
        (tmp_path / profile / "CommonAck.in.yaml").write_text(f"{ACK}fields:\n{ACK_FIELDS}", encoding="utf-8")
    assert sorted(one.profile for one in load_mappings(tmp_path, standard)) == ["a", "b"]


def test_the_repository_loads_in_time_and_without_errors(standard: Standard) -> None:
    mappings = load_mappings(ROOT / "mappings", standard)
    assert len(mappings) >= 50
    assert not [one for one in mappings.findings if one.severity == "error"]


def test_what_does_not_load_lists_all_files(tmp_path: Path, standard: Standard) -> None:
    (tmp_path / "p").mkdir()
    for name in ("CommonAck.in.yaml", "CommonAck.out.yaml"):
        (tmp_path / "p" / name).write_text(f"{ACK}fields:\n{ACK_FIELDS}  Wrong: a\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_mappings(tmp_path, standard)
    assert len({one.file for one in caught.value.findings}) == 2


def test_a_reload_takes_the_new_files_and_says_what_changed(tmp_path: Path, standard: Standard) -> None:
    path = tmp_path / "p" / "CommonAck.in.yaml"
    path.parent.mkdir()
    path.write_text(f"{ACK}fields:\n{ACK_FIELDS}", encoding="utf-8")
    before = load_mappings(tmp_path, standard)
    assert reload_mappings(before, tmp_path, standard).changed == ()
    path.write_text(f"{ACK}fields:\n{ACK_FIELDS}  AddWord: A\n", encoding="utf-8")
    found = reload_mappings(before, tmp_path, standard)
    assert found.is_new
    assert found.changed == (("p", "CommonAck", "in"),)
    assert found.mappings.get("p", "8001", "in").apply({"A": "x"}, Context())["AddWord"] == "x"


def test_a_reload_with_errors_keeps_the_old_set_and_says_so(tmp_path: Path, standard: Standard) -> None:
    path = tmp_path / "p" / "CommonAck.in.yaml"
    path.parent.mkdir()
    path.write_text(f"{ACK}fields:\n{ACK_FIELDS}", encoding="utf-8")
    before = load_mappings(tmp_path, standard)
    path.write_text(f"{ACK}fields:\n{ACK_FIELDS}  Wrong: A\n", encoding="utf-8")
    found = reload_mappings(before, tmp_path, standard)
    assert not found.is_new
    assert found.mappings is before
    assert [one.code for one in found.findings] == ["mapping.unknown-target"]
