"""Which files a message names, and whether its sender may hand them on."""

from __future__ import annotations

import pytest

from gateway.attached import Attached, carried_files
from gateway.errors import MessageError
from gateway.settings import load_settings
from gateway.standard import Standard
from tests.acceptance.partners import ROOT

STANDARD = Standard.load(ROOT / "schemas")
PLATFORMS = load_settings(ROOT, environ={}).platforms


def attached(*readable: str) -> Attached:
    async def may_read(digest: str, platform: str) -> bool:
        return digest in readable

    return Attached(STANDARD, PLATFORMS, may_read)


async def test_every_digest_that_stands_beside_a_file_is_named_once() -> None:
    record = {
        "Invoices": {"Invoice": [{"FileId": "1", "Digest": "a"}, {"FileId": "2", "Digest": "b"}]},
        "Attachments": {"Attachment": [{"FileId": "1", "Digest": "a"}]},
    }
    assert sorted(await attached().digests("3001", record, "GGZY-ZPT")) == ["sm3:a", "sm3:b"]
    assert await attached().digests("2003", {"ContractDigest": "c"}, "GGZY-JSGC") == ("sm3:c",)
    assert await attached().digests("1001", {"Digest": "a"}, "GGZY-ZPT") == ()


async def test_every_file_that_is_to_be_carried_and_is_not_the_senders_is_told() -> None:
    record = {"Invoices": {"Invoice": [{"Digest": "a"}, {"Digest": "b"}, {"Digest": "c"}]}}
    assert len(await attached("sm3:a", "sm3:b", "sm3:c").digests("4002", record, "GGZY-ZPT")) == 3
    with pytest.raises(MessageError) as caught:
        await attached("sm3:b").digests("4002", record, "GGZY-ZPT")
    assert (caught.value.result, caught.value.status) == ("30010", 422)
    assert [fault.path for fault in caught.value.faults] == [
        "Invoices/Invoice[1]/Digest",
        "Invoices/Invoice[3]/Digest",
    ]


def test_every_file_of_a_push_is_carried_once_under_a_name_of_its_own() -> None:
    def file(number: str, name: str = "") -> dict[str, str]:
        return {
            "FileId": number,
            "Digest": number * 2,
            "FileSize": "5",
            **({"FileName": name} if name else {}),
        }

    body = {
        "Invoices": {"Invoice": [file("1", "发票.ofd"), file("2", "scan.pdf")]},
        "Attachments": {"Attachment": [file("3", "scan.pdf"), file("4"), file("1", "发票.ofd")]},
    }
    paths = ["Invoices/Invoice", "Attachments/Attachment"]
    assert [(one["digest"], one["name"], one["size"]) for one in carried_files(body, paths)] == [
        ("sm3:11", "发票.ofd", 5),
        ("sm3:22", "2-scan.pdf", 5),
        ("sm3:33", "3-scan.pdf", 5),
        ("sm3:44", "4", 5),
    ]
    assert carried_files({"Invoices": {"Invoice": file("1")}}, paths)[0]["digest"] == "sm3:11"
    assert carried_files({"Invoices": {"Invoice": [{"Digest": "x"}]}}, paths) == []


def test_the_treasuries_take_what_a_push_names_besides_its_invoices() -> None:
    for node in ("CZ-ZFPT-310000", "CZ-ZFPT-310115"):
        operations = PLATFORMS[node].connector.operations["4002"]
        assert operations.files == ["Invoices/Invoice", "Attachments/Attachment"]
        assert operations.operations[0] == "sendData"
