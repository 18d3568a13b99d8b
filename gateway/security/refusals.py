"""How this room refuses: one uniform error while nothing is authenticated yet, so that it tells an attacker nothing."""

from __future__ import annotations

from datetime import datetime

from gateway import clock
from gateway.errors import Fault, MessageError


class SealError(MessageError):
    """What could not be opened or authenticated: 20001, always in the same words (DESIGN.md promise 6).

    `cause_text` says what really failed. It is for the log alone and must never reach the sender.
    """

    def __init__(self, cause_text: str):
        super().__init__([_UNIFORM])
        self.cause_text = cause_text


_UNIFORM = Fault("seal.invalid", "", "报文解密或验签失败", "the seal does not hold", result="20001")


class StaleCall(MessageError):
    """20005 for a call whose signature holds: by `platform`, under `nonce`. Whoever answers may tell it the time
    under a signature of our own."""

    def __init__(self, at: datetime, platform: str, nonce: str):
        super().__init__(stale(at).faults)
        self.platform = platform
        self.nonce = nonce


def stale(at: datetime) -> MessageError:
    """20005, with our time, so that the sender can set its clock right and seal again."""
    ours = clock.t14(at.astimezone(clock.SHANGHAI))
    return MessageError.of(
        "seal.stale",
        f"报文时间超出允许范围，网关时间为 {ours}",
        f"the time that was signed is too far from ours; the gateway's time is {ours} (Asia/Shanghai)",
        result="20005",
    )
