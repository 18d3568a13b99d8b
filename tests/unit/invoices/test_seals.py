"""What the seal of an OFD is said to be, for seals made with keys of our own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from gateway.invoices import Inspection, SealState, inspect_invoice
from gateway.security import der
from gateway.security.authority import issue, make_authority

from . import making
from .making import AT, SIGNATURE, VALUE, Issuer, SealForm, classic, entries, pack, seal, unpack

VERSIONS = pytest.mark.parametrize("version", [4, 1])


def inspect(parts: dict[str, bytes], *roots: Issuer) -> Inspection:
    return inspect_invoice(pack(parts), AT, roots=[one.root for one in roots])


def flip(parts: dict[str, bytes], name: str, at: int = -1) -> dict[str, bytes]:
    """One byte of an entry, by default its middle one, is another."""
    data = bytearray(parts[name])
    data[at if at >= 0 else len(data) // 2] ^= 0x01
    return parts | {name: bytes(data)}


@VERSIONS
def test_a_seal_by_a_configured_root_is_intact_and_trusted(issuer: Issuer, version: int) -> None:
    found = inspect(seal(entries(classic()), issuer, SealForm(version)), issuer)
    assert (found.seal_state, found.faults, found.needs_person) == (SealState.TRUSTED, (), False)
    (only,) = found.seals
    assert (only.version, only.name, only.signed_at) == (version, "测试监制章", AT)
    assert "全国统一发票监制章" in only.signer and "税务根 CA" in only.issuer
    assert only.covers == entries(classic()).keys()
    assert found.sign_verify == "1"


@VERSIONS
def test_a_seal_by_any_other_root_is_intact_but_its_root_is_unknown(issuer: Issuer, version: int) -> None:
    parts = seal(entries(classic()), issuer, SealForm(version))
    for found in (inspect(parts), inspect(parts, Issuer())):
        assert (found.seal_state, found.faults, found.sign_verify) == (SealState.ROOT_UNKNOWN, (), "3")


def test_both_the_signer_and_the_maker_of_the_seal_must_come_from_a_root() -> None:
    two = Issuer()
    two.maker_authority = make_authority("sm2", two.at, name="另一个 CA")
    two.maker_key, two.maker_certificate = two.make("电子印章系统", two.maker_authority)
    parts = seal(entries(classic()), two)
    found = inspect(parts, two)
    assert found.seal_state is SealState.ROOT_UNKNOWN and "maker" in found.seals[0].why[1]
    roots = [two.root, two.maker_authority.certificate]
    assert inspect_invoice(pack(parts), AT, roots=roots).seal_state is SealState.TRUSTED


@VERSIONS
def test_one_flipped_byte_in_any_signed_entry_is_found_and_its_place_named(
    issuer: Issuer, version: int
) -> None:
    parts = seal(entries(classic()), issuer, SealForm(version))
    for name in [*entries(classic()), SIGNATURE]:
        found = inspect(flip(parts, name), issuer)
        assert found.seal_state is SealState.BROKEN, name
        assert name in [fault.path for fault in found.faults if fault.code == "invoice.seal-broken"]


@VERSIONS
def test_no_flipped_byte_of_the_seals_own_data_leaves_it_trusted(issuer: Issuer, version: int) -> None:
    parts = seal(entries(), issuer, SealForm(version))
    left = {
        at: state
        for at in range(0, len(parts[VALUE]), 5)
        if (state := inspect(flip(parts, VALUE, at), issuer).seal_state)
        not in (SealState.BROKEN, SealState.UNVERIFIABLE)
    }
    assert not left


def test_a_missing_entry_and_a_missing_signature_break_the_seal(issuer: Issuer) -> None:
    parts = seal(entries(classic()), issuer)
    for name in ("Doc_0/Attachs/original_invoice.xml", VALUE, SIGNATURE, "Doc_0/Signs/Signatures.xml"):
        found = inspect({key: data for key, data in parts.items() if key != name}, issuer)
        assert found.seal_state is SealState.BROKEN
        assert name in found.seals[0].places[0] or found.seals[0].places[0] in name


def test_an_entry_that_cannot_be_unpacked_breaks_the_seal_at_its_place(issuer: Issuer) -> None:
    parts = seal(entries(classic()), issuer)
    data = bytearray(pack(parts, method=0))
    at = data.find(b"<fp:InvoiceNo>") + 14
    data[at] ^= 1  # the CRC of the entry no longer fits
    found = inspect_invoice(bytes(data), AT, roots=[issuer.root])
    assert found.seal_state is SealState.BROKEN
    assert found.seals[0].places == ("Doc_0/Attachs/original_invoice.xml",)


def test_a_package_without_signatures_is_not_sealed() -> None:
    found = inspect(entries(classic()))
    assert (found.seal_state, found.seals, found.faults) == (SealState.NOT_SEALED, (), ())


def test_a_seal_that_nothing_refers_to_is_not_the_same_as_none(issuer: Issuer) -> None:
    parts = seal(entries(classic()), issuer, names=["Doc_0/Document.xml"])
    assert inspect(parts, issuer).seal_state is SealState.TRUSTED
    hidden = parts | {"OFD.xml": entries(classic())["OFD.xml"]}
    found = inspect(hidden, issuer)
    assert found.seal_state is SealState.UNVERIFIABLE and "nothing refers" in found.seals[0].why[1]


def test_data_outside_the_seal_need_a_person_though_the_seal_is_intact(issuer: Issuer) -> None:
    parts = seal(entries(classic()), issuer)
    added = parts | {"Doc_1/Document.xml": b"<a/>"}
    found = inspect(added, issuer)
    assert found.seal_state is SealState.TRUSTED and found.needs_person
    assert [fault.found for fault in found.warnings if fault.code == "invoice.not-covered"] == [
        "Doc_1/Document.xml"
    ]


def test_what_the_seal_covers_is_believed_before_what_it_does_not(issuer: Issuer) -> None:
    custom = {"发票号码": "87654321"}
    covered = [name for name in entries(classic(), custom) if name != "OFD.xml"]
    found = inspect(seal(entries(classic(), custom), issuer, names=covered), issuer)
    assert found.invoice["InvoiceNo"] == "12345678"
    assert [fault.code for fault in found.faults] == ["invoice.sources-differ"]
    swapped = inspect(
        seal(entries(classic(), custom), issuer, names=["OFD.xml", "Doc_0/Document.xml"]), issuer
    )
    assert (swapped.invoice["InvoiceNo"], swapped.needs_person) == ("87654321", True)
    only_custom = inspect(seal(entries(None, custom), issuer, names=["Doc_0/Document.xml"]), issuer)
    assert only_custom.invoice["InvoiceNo"] == "87654321" and only_custom.needs_person


def test_of_several_seals_the_worst_one_is_the_files(issuer: Issuer) -> None:
    parts = seal(entries(classic()), issuer)
    lists = parts["Doc_0/Signs/Signatures.xml"].replace(
        b"</ofd:Signatures>", b'<ofd:Signature ID="2" BaseLoc="Sign_1/Signature.xml"/></ofd:Signatures>'
    )
    second = parts[SIGNATURE].replace(b"Sign_0", b"Sign_1").replace(b"1.2.156.10197.1.401", b"MD5")
    both = parts | {"Doc_0/Signs/Signatures.xml": lists, "Doc_0/Signs/Sign_1/Signature.xml": second}
    found = inspect(both, issuer)
    assert [one.state for one in found.seals] == [SealState.TRUSTED, SealState.UNVERIFIABLE]
    assert found.seal_state is SealState.UNVERIFIABLE


UNJUDGED: dict[str, tuple[SealForm, str]] = {
    "signed before the seal": (SealForm(valid_from=AT + timedelta(days=5)), "seal was not valid"),
    "signed after the seal": (SealForm(valid_until=AT - timedelta(days=5)), "seal was not valid"),
    "in the future": (SealForm(signed_at=AT + timedelta(days=9)), "in the future"),
    "before the certificate": (
        SealForm(signed_at=AT - timedelta(days=90), valid_from=AT - timedelta(days=99)), "certificate was not",
    ),
    "version 5": (SealForm(number=5), "version"),
    "version 4 in the old form": (SealForm(version=1, number=4), "version"),
    "by another algorithm": (SealForm(algorithm=der.write_oid("1.2.840.113549.1.1.11")), "not by SM2"),
    "a timestamp token for a time": (SealForm(version=1, time_bits=b"\x30\x03\x02\x01\x01"), "time of the signature"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNJUDGED)
def test_what_cannot_be_judged_says_why(issuer: Issuer, name: str) -> None:
    form, why = UNJUDGED[name]
    found = inspect(seal(entries(classic()), issuer, form), issuer)
    assert found.seal_state is SealState.UNVERIFIABLE
    assert why in found.seals[0].why[1] and found.seals[0].why[0]
    assert found.sign_verify == "3"


def test_a_certificate_that_is_not_for_signing_is_not_believed() -> None:
    other = Issuer()
    other.key, other.certificate = issue(other.authority, "加密", "sm2", "encrypt", other.at)
    found = inspect(seal(entries(classic()), other), other)
    assert found.seal_state is SealState.UNVERIFIABLE and "not for signing" in found.seals[0].why[1]


def test_a_root_that_was_out_of_its_time_when_the_seal_was_made_is_no_root() -> None:
    old = Issuer()
    old.authority = old.maker_authority = make_authority("sm2", old.at - timedelta(days=90), days=60)
    old.key, old.certificate = old.make("监制章", old.authority)
    old.maker_key, old.maker_certificate = old.make("印章系统", old.authority)
    assert inspect(seal(entries(classic()), old), old).seal_state is SealState.ROOT_UNKNOWN


def test_digests_and_signatures_of_other_kinds_are_not_judged(issuer: Issuer) -> None:
    for arguments in ({"method": "MD5"}, {"method": ""}, {"kind": "Sign"}):
        found = inspect(seal(entries(classic()), issuer, **arguments), issuer)
        assert found.seal_state is SealState.UNVERIFIABLE and found.seals[0].why[1]


def test_a_key_that_is_not_of_sm2_is_not_judged() -> None:
    other = Issuer()
    authority = make_authority("rsa", other.at)
    _, other.certificate = issue(authority, "RSA", "rsa", "sign", other.at)
    found = inspect(seal(entries(classic()), other), other)
    assert found.seal_state is SealState.UNVERIFIABLE and "SM2" in found.seals[0].why[1]


@VERSIONS
def test_the_seal_must_list_the_signers_certificate(issuer: Issuer, version: int) -> None:
    form = SealForm(version, lists=issuer.maker_certificate.der)
    found = inspect(seal(entries(classic()), issuer, form), issuer)
    assert found.seal_state is SealState.BROKEN and "does not list" in found.faults[0].en


def test_a_seal_may_list_its_signers_by_digest(issuer: Issuer) -> None:
    assert (
        inspect(seal(entries(classic()), issuer, SealForm(by_digest=True)), issuer).seal_state
        is SealState.TRUSTED
    )
    other = SealForm(by_digest=True, lists=issuer.maker_certificate.der)
    assert inspect(seal(entries(classic()), issuer, other), issuer).seal_state is SealState.BROKEN


def test_a_seal_made_by_a_key_that_its_certificate_has_not_is_broken(issuer: Issuer) -> None:
    for bend in ("key", "maker_key"):
        forger = Issuer()
        forger.authority, forger.maker_authority = issuer.authority, issuer.maker_authority
        forger.certificate, forger.maker_certificate = issuer.certificate, issuer.maker_certificate
        forger.key, forger.maker_key = issuer.key, issuer.maker_key
        setattr(forger, bend, Issuer().key)
        found = inspect(seal(entries(classic()), forger), issuer)
        assert (found.seal_state, found.seals[0].places) == (SealState.BROKEN, (VALUE,))


def test_a_broken_entry_is_told_even_where_the_rest_cannot_be_judged(issuer: Issuer) -> None:
    parts = flip(seal(entries(classic()), issuer, SealForm(number=5)), "Doc_0/Document.xml")
    found = inspect(parts, issuer)
    assert (found.seal_state, found.seals[0].places) == (SealState.BROKEN, ("Doc_0/Document.xml",))


def test_a_manifest_without_references_signs_nothing(issuer: Issuer) -> None:
    assert inspect(seal(entries(classic()), issuer, names=[]), issuer).seal_state is SealState.BROKEN


@pytest.mark.parametrize(
    "bits", [b"\x17\x0d260701013000Z", b"20260701013000Z", b"20260701093000+0800", b"260701013000Z"]
)
def test_version_1_writes_its_time_in_several_ways(issuer: Issuer, bits: bytes) -> None:
    found = inspect(seal(entries(classic()), issuer, SealForm(1, time_bits=bits)), issuer)
    assert (found.seal_state, found.seals[0].signed_at) == (SealState.TRUSTED, AT)


def test_a_timestamp_behind_the_signature_is_passed_over(issuer: Issuer) -> None:
    stamp = der.write(der.CONTEXT_0_BUILT, making.bits(b"token"))
    assert (
        inspect(seal(entries(classic()), issuer, SealForm(timestamp=stamp)), issuer).seal_state
        is SealState.TRUSTED
    )


def shape(data: bytes) -> list[object]:
    """The tags of DER, nested."""
    found: list[object] = []
    reader = der.Reader(data)
    while (tag := reader.peek()) != -1:
        contents = reader.contents(tag)
        found.append((tag, shape(contents)) if tag in (der.SEQUENCE, der.SET) else tag)
    return found


def test_our_seals_have_the_structure_of_the_real_ones(
    issuer: Issuer, real_file: Callable[[str], bytes]
) -> None:
    ours = shape(seal(entries(), issuer)[VALUE])
    for name in ("v4signed", "999"):
        assert shape(unpack(real_file(f"invoices/{name}.ofd"))[VALUE]) == ours


def test_version_1_differs_from_version_4_only_where_its_standard_does(issuer: Issuer) -> None:
    """GM/T 0031: certificate and algorithm inside TBS, the maker's signature in a group of its own, times as UTCTime."""
    old, new = (shape(seal(entries(), issuer, SealForm(version))[VALUE]) for version in (1, 4))
    (_, [(_, old_tbs), old_signature]), (_, [(_, new_tbs), *new_tail]) = old[0], new[0]
    assert [*new_tail] == [*old_tbs[-2:], old_signature]
    (_, [(_, old_info), (_, old_made)]), (_, [(_, new_info), *new_made]) = old_tbs[1], new_tbs[1]
    assert old_made == new_made
    assert (old_info[0], old_info[1], old_info[3:]) == (new_info[0], new_info[1], new_info[3:])
    utc = [der.UTC_TIME] * 3
    assert old_info[2][1] == [*new_info[2][1][:2], *new_info[2][1][3:4], *utc]
