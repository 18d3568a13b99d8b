"""Passwords: what one must be like, and argon2id (RFC 9106) to keep and check it. Slow: call off the event loop."""

from __future__ import annotations

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

SHORTEST, LONGEST = 12, 128
_FEWEST_DIFFERENT = 5
_hasher = PasswordHasher()  # argon2id; RFC 9106's second recommended choice: 64 MiB, three passes
# What remains of a common password without the digits and signs that people put around it.
_COMMON = frozenset(
    [
        "abcdefghijkl",
        "abcdefghijklm",
        "administrator",
        "adminadmin",
        "adminpassword",
        "alongpassword",
        "asdfghjkl",
        "asdfghjklqwe",
        "changeme",
        "changemenow",
        "changethis",
        "chinachina",
        "correcthorse",
        "correcthorsebatterystaple",
        "defaultpassword",
        "ggzy",
        "ggzygateway",
        "gateway",
        "gatewayadmin",
        "gatewaygateway",
        "gatewaypassword",
        "helloworld",
        "huanying",
        "iloveyou",
        "iloveyouforever",
        "letmein",
        "letmeinletmein",
        "letmeinplease",
        "longpassword",
        "mima",
        "mimamima",
        "mynewpassword",
        "mypassword",
        "nihao",
        "nihaonihao",
        "operator",
        "operatoroperator",
        "passw",
        "passwd",
        "password",
        "passwordpassword",
        "passwordqwerty",
        "pleaseletmein",
        "p@ssw",
        "p@ssword",
        "p@ssw0rd",
        "passw0rd",
        "qazwsx",
        "qazwsxedc",
        "qazwsxedcrfv",
        "qwerty",
        "qwertyqwerty",
        "qwertyuiop",
        "qwertyuiopasdf",
        "rootroot",
        "secret",
        "secretpassword",
        "shanghai",
        "shanghaishanghai",
        "sunshine",
        "superman",
        "supersecret",
        "supersecretpassword",
        "temporary",
        "temppassword",
        "testpassword",
        "testtesttest",
        "thisisapassword",
        "trustno",
        "welcome",
        "welcomehome",
        "welcometo",
        "woaini",
        "woainiwoaini",
        "woaizhongguo",
        "zaq",
        "xsw",
        "zaqxsw",
        "zhongguo",
        "zxcvbnm",
        "zxcvbnmasdf",
        "zxcvbnmzxcvbnm",
    ]
)
_AROUND = "0123456789!@#$%^&*()_+-=.,?~"
_RUNS = ("0123456789012345678901234567890", "9876543210987654321098765432109", "1q2w3e4r5t6y7u8i9o0p", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm")  # fmt: skip


def plain(password: str) -> str:
    """One form for what keyboards type in several (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def password_fault(password: str, name: str) -> str:
    """What is wrong with it, as a key (`password.short`); "" where nothing is. `name`: the user's."""
    text = plain(password)
    low = text.casefold()
    if len(text) < SHORTEST:
        return "password.short"
    if len(text) > LONGEST:
        return "password.long"
    if name and (name.casefold() in low or low in name.casefold()):
        return "password.name"
    joined = "".join(low.split())
    is_run = any(joined in run for run in _RUNS)
    if {joined, joined.strip(_AROUND)} & _COMMON or is_run or len(set(low)) < _FEWEST_DIFFERENT:
        return "password.common"
    return ""


def hash_password(password: str) -> str:
    """The PHC string that is kept."""
    return _hasher.hash(plain(password))


def is_password(kept: str, password: str) -> bool:
    """Takes its time also where nothing is kept, so that nobody learns by the clock which users there are."""
    try:
        return _hasher.verify(kept or _NOBODYS, plain(password)[: LONGEST + 1]) and bool(kept)
    except (VerifyMismatchError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Kept with parameters that are no longer ours."""
    return _hasher.check_needs_rehash(kept)


_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$BS+gL8gz3HDj4uuA3RoT1g$QGy88ebYnHRoC6Xc+srnQSJCAl+10zo8AZsmlTVSsHM"
