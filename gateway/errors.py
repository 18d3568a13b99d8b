"""Whose fault it is decides what happens: operator, sender, receiver, or us.

`ConfigError` refuses to start, `MessageError` goes back to the sender and is never retried,
`DeliveryError` is retried by schedule. Anything else is our own fault: 500, loud, message kept.
Texts never hold secrets or personal data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

MAX_FAULTS = 200  # of one refusal
MAX_TEXT = 500  # characters of what a fault says of a message
_BOUNDED = ("path", "source_path", "zh", "en", "expected", "found")

# CT-RESULT (CATALOGUE.md section 7 with DECISIONS.md 7) → HTTP status.
HTTP_STATUS: dict[str, int] = {
    "00000": 202,
    "10001": 400,
    "10002": 413,
    "10003": 422,
    "10004": 400,
    "10005": 404,
    "20001": 401,
    "20002": 401,
    "20003": 401,
    "20004": 401,
    "20005": 401,
    "20006": 409,
    "20007": 403,
    "30001": 422,
    "30002": 422,
    "30003": 422,
    "30004": 422,
    "30005": 422,
    "30006": 409,
    "30007": 422,
    "30008": 422,
    "30009": 422,
    "30010": 422,
    "30011": 422,
    "30012": 422,
    "30013": 422,
    "90001": 409,
    "90002": 503,
    "90003": 422,
    "90004": 409,
    "99999": 500,
}


RETRY_AFTER_S = 5
# Why the gateway takes nothing more just now, before any work is done. All of it passes; the codes are stable.
BUSY: dict[str, tuple[str, str]] = {
    "store.busy": ("系统繁忙，请稍后重试", "the store cannot take it now"),
    "gateway.busy": ("网关暂不可写入，请稍后重发", "the gateway cannot write now; come again"),
    "gateway.crowded": ("在途报文过多，请稍后重发", "too many messages are being received at once"),
    "disk.low": ("磁盘空间不足，暂不接收新报文", "too little room on the disk to take anything new"),
    "receiver.backlog": ("接收方积压已达上限，请稍后重发", "too much waits for a receiver of this message"),
    "limit.rate": ("超过本平台的发送速率", "faster than this platform may send"),
    "limit.concurrency": ("超过本平台的并发数", "more at once than this platform may send"),
}


class GatewayError(Exception):
    """Root of the gateway's own errors."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a message.

    `code` is stable (`standard.missing-element`); `path` is the place in the standard's words
    (`Invoices/Invoice[2]/AmountWithTax`); `source_path` the same place in the sender's own field
    names, where a mapping knows it; `result` the CT-RESULT code; `found` is masked if sensitive.
    `rule` is the id of the data standard's rule that is broken, where it is one; `mend_zh` and
    `mend_en` say how to put it right.
    """

    code: str
    path: str
    zh: str
    en: str
    result: str = "10003"
    source_path: str = ""
    expected: str = ""
    found: str = ""
    line: int = 0
    column: int = 0
    rule: str = ""
    mend_zh: str = ""
    mend_en: str = ""

    def in_words_of(self, source_path: str) -> Fault:
        """The same fault, placed in the sender's own field names."""
        return replace(self, source_path=source_path)

    @property
    def place(self) -> str:
        return self.source_path or self.path

    @property
    def rule_id(self) -> str:
        """The rule's id; of what no rule says (structure, envelope, seal) its code."""
        return self.rule or self.code


class MessageError(GatewayError):
    """The sender's fault: refused, changes nothing, never retried by us. Lists every fault at once, at most
    MAX_FAULTS; then the last says that there are more. What of the message stands in them is cut.

    `message_id` is the refused message's own identifier, where it got so far as to be read."""

    def __init__(
        self,
        faults: Iterable[Fault],
        *,
        status: int | None = None,
        retry_after_s: int | None = None,
        message_id: str = "",
    ):
        found = list(islice(faults, MAX_FAULTS + 1))
        if not found:
            raise ValueError("a refusal names at least one fault")
        if len(found) > MAX_FAULTS:
            found[-1] = _more_faults()
        self.faults: tuple[Fault, ...] = tuple(map(_cut, found))
        self.result = self.faults[0].result
        self.status = status if status is not None else HTTP_STATUS.get(self.result, 422)
        # Whoever is sent away for a while is told for how long.
        waits = self.status in (429, 503)
        self.retry_after_s = RETRY_AFTER_S if retry_after_s is None and waits else retry_after_s
        self.message_id = message_id
        super().__init__("; ".join(f"{fault.place}: {fault.en}" for fault in self.faults))

    @classmethod
    def of(
        cls,
        code: str,
        zh: str,
        en: str,
        *,
        result: str,
        path: str = "",
        status: int | None = None,
        retry_after_s: int | None = None,
    ) -> MessageError:
        """A refusal with a single fault."""
        return cls([Fault(code, path, zh, en, result)], status=status, retry_after_s=retry_after_s)

    @classmethod
    def busy(cls, code: str, *, retry_after_s: int | None = None, path: str = "") -> MessageError:
        """503 (429 where the sender's own limit is reached): nothing was done, the same may come again.
        `code` is one of `BUSY`."""
        zh, en = BUSY[code]
        status = 429 if code.startswith("limit.") else None
        return cls.of(code, zh, en, result="90002", path=path, status=status, retry_after_s=retry_after_s)

    @property
    def is_busy(self) -> bool:
        """Was it sent away before anything was done?"""
        return self.faults[0].code in BUSY


def _more_faults() -> Fault:
    zh, en = (
        f"错误超过 {MAX_FAULTS} 项，其余未列出",
        f"there are more than {MAX_FAULTS} faults; the others are not named",
    )
    return Fault("message.more-faults", "", zh, en)


def _cut(fault: Fault) -> Fault:
    """A name, path or value may be as long as the message; what a refusal says of it may not."""
    cut: dict[str, Any] = {
        name: f"{getattr(fault, name)[: MAX_TEXT - 1]}…"
        for name in _BOUNDED
        if len(getattr(fault, name)) > MAX_TEXT
    }
    return replace(fault, **cut) if cut else fault


class DeliveryError(GatewayError):
    """The receiver's or the network's fault.

    `permanent`: the receiver refused the content, so a retry cannot help. `unknown`: the request
    may have taken effect; ask before sending again (DESIGN.md promise 3).
    """

    def __init__(
        self,
        code: str,
        text: str,
        *,
        status: int = 0,
        retry_after_s: float | None = None,
        permanent: bool = False,
        unknown: bool = False,
        answer: bytes = b"",
    ):
        self.code = code
        self.text = text
        self.status = status
        self.retry_after_s = retry_after_s
        self.permanent = permanent
        self.unknown = unknown
        self.answer = answer
        super().__init__(f"{code}: {text}")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong with a configuration or mapping file."""

    file: str
    line: int
    column: int
    field: str
    text: str
    code: str = "config.invalid"
    severity: str = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.field}: {self.text} [{self.code}]"


class ConfigError(GatewayError):
    """The operator's or integrator's fault: refuse to start or to reload; lists all findings."""

    def __init__(self, findings: Iterable[Finding]):
        self.findings: tuple[Finding, ...] = tuple(sorted(findings))
        super().__init__("\n".join(str(finding) for finding in self.findings))
