"""What a receiver's form cannot hold is told in the standard's words, so that the sender's own can be found."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import MessageError
from gateway.mapping import load_mappings
from gateway.message import HEAD_FIELDS, Head
from gateway.settings import load_settings
from gateway.standard import Standard
from gateway.translate import Translator

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def translator() -> Translator:
    standard = Standard.load(ROOT / "schemas")
    mappings = load_mappings(ROOT / "mappings", standard)
    return Translator(standard, mappings, load_settings(ROOT, environ={}).platforms)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"VoucherNo": "V😀"}, "VoucherNo"),  # the voucher calls it Id
        ({"AgencyName": "单位😀"}, "AgencyName"),
    ],
)
def test_a_character_outside_gbk_is_told_at_the_standards_field(
    translator: Translator, change: dict[str, str], place: str
) -> None:
    record = {**translator.standard.sample("4002"), **change}
    head = Head(**dict.fromkeys(HEAD_FIELDS, "1"))
    receiver = translator.platforms["CZ-ZFPT-310000"]
    with pytest.raises(MessageError) as caught:
        translator.write(receiver, "4002", record, head)
    assert [(one.path, one.source_path, one.result) for one in caught.value.faults] == [(place, "", "30008")]
