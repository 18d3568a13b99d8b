from __future__ import annotations

import pytest

from gateway.security.masking import mask, mask_record


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("13812341234", "138****1234"),
        ("+86 13812341234", "+86 138****1234"),
        ("11010519491231002X", "1****************X"),
        ("110105491231002", "1*************2"),
        ("021-63219188", "021****9188"),
        ("张三", "张*"),
        ("张三丰", "张**"),
        ("欧阳锋", "欧阳*"),
        ("欧阳", "欧*"),
        ("买买提·吐尔逊", "买***"),
        ("Alice Smith", "A***"),
        ("a.b@example.cn", "a***@example.cn"),
        ("张", "****"),
        ("8008208820", "****"),
        ("", ""),
        (" ", " "),
    ],
)
def test_personal_data_keeps_what_identifies_nobody(value: str, shown: str) -> None:
    assert mask("personal", value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("31001234567890123456", "****3456"),
        ("12345678", "****5678"),
        ("1234567", "****"),
        ("1", "****"),
        ("", ""),
    ],
)
def test_accounts_keep_their_last_four(value: str, shown: str) -> None:
    assert mask("account", value) == shown


def test_an_unknown_kind_shows_nothing() -> None:
    assert mask("secret", "abcdefgh") == "****"


def test_a_record_is_masked_at_its_paths_only() -> None:
    record = {
        "No": "1",
        "Contact": {"Name": "张三", "Org": "公司"},
        "Payees": {
            "Payee": [{"AcctNo": "31001234567890123456", "Amount": "1.00"}, {"AcctNo": "310012345678"}]
        },
        "One": [{"#text": "13812341234", "@type": "mobile"}],
    }
    sensitive = {
        "Contact/Name": "personal",
        "Payees/Payee/AcctNo": "account",
        "Absent/Path": "personal",
        "No/Deeper": "personal",
        "One": "personal",
    }
    before = repr(record)
    masked = mask_record(record, sensitive)
    assert masked["Contact"] == {"Name": "张*", "Org": "公司"}
    assert masked["Payees"]["Payee"] == [{"AcctNo": "****3456", "Amount": "1.00"}, {"AcctNo": "****5678"}]
    assert masked["One"] == [{"#text": "138****1234", "@type": "m***"}]
    assert masked["No"] == "1"
    assert repr(record) == before


def test_a_sensitive_element_is_masked_whole() -> None:
    masked = mask_record({"Person": {"Name": "张三", "Ids": ["31001234567890123456"]}}, {"Person": "account"})
    assert masked == {"Person": {"Name": "****", "Ids": ["****3456"]}}
