"""Messages with known keys and contents: subjects (1001), each with many versions that must stay in order."""

from __future__ import annotations

import hashlib
import itertools
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

NUMBER, JSON = "1001", "application/json"
_SHANGHAI = timezone(timedelta(hours=8))
_NAMESPACE = "urn:sh-ggzy-czzf:datastd:1.0"
_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True, slots=True)
class Content:
    """`line` is the subject's credit code; `mark` names the content, whatever bytes carry it."""

    sender: str
    line: str
    version: int
    key: str
    mark: str
    body: dict[str, str]

    def payload(self, moment: datetime) -> bytes:
        """In the standard's JSON form, sent at this moment. Another moment is the same content."""
        sent = moment.astimezone(_SHANGHAI).strftime("%Y%m%d%H%M%S%f")[:17]
        head = {
            "Ver": "1.0", "MsgNo": NUMBER, "MsgId": self.key[:32], "MsgRef": self.key[:32], "Src": self.sender,
            "Des": "GW", "AdmDivCode": "310000", "StYear": sent[:4], "BizType": "01",
            "BizKey": self.line, "BizVersion": self.version, "OperType": "1", "IdemKey": self.key,
            "BodyDigest": _sm3(_canonical(self.body)), "WorkDate": sent[:8], "SendTime": sent, "RetryNo": 0,
        }  # fmt: skip
        return json.dumps({"Head": head, "Body": self.body}, ensure_ascii=False).encode()


def mark_of(body: dict[str, Any]) -> str:
    """What names a content: the digest of its fields, in the order of their names."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def lines(sender: str, place: int, of: int, stem: int) -> Iterator[str]:
    """Credit codes by the rule of GB 32100, that nobody else with another `place` of `of` makes."""
    for serial in itertools.count(place, of):
        code = _credit_code((stem * 7_919 + serial) % 10**8)
        if code:
            yield code


def versions(sender: str, line: str, count: int) -> Iterator[Content]:
    for version in range(1, count + 1):
        body = {
            "LegalCode": line, "LegalCodeType": "97", "LegalName": f"上海市政养护第{line[-8:]}有限公司",
            "SubjectCategory": "1", "LegalRoles": "03;06", "LegalType": "1", "LegalRepresent": "韩艳",
            "RegionCode": "310118", "CountryRegion": "156", "IndustryCode": "E48", "LicenseNo": line,
            "LicenseEndDate": "99991231", "Address": f"上海市牡丹江路{version}号 {secrets.token_hex(8)}",
            "ContactName": "刘刚", "ContactPhone": "13889454653",
            "SubjectStatus": "1", "PlatformCode": "12310000425010220N",
            "PubServicePlatCode": "12310000425010220N", "DataTimestamp": "20240719180000",
        }  # fmt: skip
        key = _sm3(f"{NUMBER}|{sender}|{line}|{version}|1".encode())
        yield Content(sender, line, version, key, mark_of(body), body)


def _canonical(body: dict[str, str]) -> bytes:
    fields = "".join(f"<{name}>{text}</{name}>" for name, text in body.items())
    return f'<MarketSubjectSync xmlns="{_NAMESPACE}">{fields}</MarketSubjectSync>'.encode()


def _sm3(data: bytes) -> str:
    return hashlib.new("sm3", data).hexdigest()


def _credit_code(serial: int) -> str:
    """ "" where the check digits would be letters that the rule does not know."""
    body = f"{serial:08d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    organisation = body + "0123456789X0"[11 - total % 11]
    if "X" in organisation:
        return ""
    code = "91310000" + organisation
    total = sum(_LETTERS.index(letter) * pow(3, place, 31) for place, letter in enumerate(code))
    return code + _LETTERS[(31 - total % 31) % 31]
