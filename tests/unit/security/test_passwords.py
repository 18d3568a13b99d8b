"""What a password must be like, and how it is kept."""

from __future__ import annotations

import pytest

from gateway.security import passwords


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("elf-Zeichen", "password.short"),
        ("十一个汉字也太短了呀", "password.short"),
        ("x" + "ab3d" * 32, "password.long"),
        ("I-am-ZhangSan-2026", "password.name"),
        ("ｚｈａｎｇｓａｎ的长密码一二三", "password.name"),
        ("Password2026!", "password.common"),
        ("!!correct horse battery staple", "password.common"),
        ("qwertyuiop12", "password.common"),
        ("234567890123", "password.common"),
        ("1q2w3e4r5t6y", "password.common"),
        ("abababababab", "password.common"),
        ("蓝天白云下的一条小河流水声", ""),
        ("nine owls count to 4", ""),
    ],
)
def test_a_password_is_judged(password: str, fault: str) -> None:
    assert passwords.password_fault(password, "zhangsan") == fault


def test_a_run_of_the_keyboard_is_common() -> None:
    assert passwords.password_fault("asdfghjklzxcv", "li") == "password.common"


def test_what_is_kept_is_argon2id_and_only_the_password_fits_it() -> None:
    kept = passwords.hash_password("nine owls count to 4")
    assert kept.startswith("$argon2id$") and "owls" not in kept
    assert passwords.is_password(kept, "ｎｉｎｅ owls count to 4")
    assert not passwords.is_password(kept, "nine owls count to 5")
    assert not passwords.is_outdated(kept)
    assert passwords.is_outdated("$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHQ$WVBRTrYvGmn0MfSBDaWJsw")


def test_nobody_has_a_password_that_fits() -> None:
    assert not passwords.is_password("", "")
    assert not passwords.is_password("-", "-")
