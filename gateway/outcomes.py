"""What an attempt came to, in the words of the store: retry by schedule, dead letter, unknown, done.

The same for what is sent and for what a platform fetches and confirms.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from gateway.connectors.contract import FileRef, Parcel
from gateway.message import DeliveryState
from gateway.settings import Settings
from gateway.standard import Catalogue
from gateway.store.contract import AttemptResult, Claimed, MakeNotice

_CODE_CHARS, _TEXT_CHARS = 64, 600


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Verdict:
    """What an attempt came to: the new state, and why."""

    state: DeliveryState
    code: str = ""
    text: str = ""
    status: int = 0
    answer: bytes = b""
    retry_after_s: float | None = None
    unknown: bool = False
    headers: str = ""  # connectors.heads


class Outcomes:
    """`make_notice` builds the gateway's own 8002 for the sender of a message that died."""

    def __init__(self, settings: Settings, catalogue: Catalogue, make_notice: MakeNotice):
        self.settings = settings
        self.catalogue = catalogue
        self.make_notice = make_notice
        self.schedule = settings.gateway.retry.schedule()

    def result(self, claimed: Claimed, verdict: Verdict, latency_ms: int) -> AttemptResult:
        state, retry_in_s, code, text = verdict.state, 0.0, verdict.code, verdict.text
        if state is DeliveryState.READY:
            delay = self.schedule.delay_s(claimed.attempt, verdict.retry_after_s)
            if delay is None:
                # To tell the sender that a payment failed would be wrong where it may have been made.
                in_doubt = verdict.unknown and self.catalogue.get(claimed.type).money
                state = DeliveryState.UNKNOWN if in_doubt else DeliveryState.DEAD
                text = f"gave up after {claimed.attempt} attempts: {text}"
            else:
                retry_in_s = delay
        code, text = _plain(code)[:_CODE_CHARS], _plain(text)[:_TEXT_CHARS]
        notice = self.make_notice(claimed, code, text) if state is DeliveryState.DEAD else None
        return AttemptResult(
            claimed=claimed,
            state=state,
            code=code,
            text=text,
            status=verdict.status,
            latency_ms=latency_ms,
            answer=verdict.answer,
            headers=verdict.headers,
            retry_in_s=retry_in_s,
            outcome_unknown=verdict.unknown,
            notice=notice,
            receipt_within_s=self._receipt_within_s(claimed) if state is DeliveryState.DONE else 0.0,
        )

    def _receipt_within_s(self, claimed: Claimed) -> float:
        return self.settings.platforms[claimed.receiver].receipt_within_s.get(claimed.type, 0.0)


def parcel_of(claimed: Claimed) -> Parcel:
    """A claimed delivery as a connector sends it."""
    files = [FileRef(**one) for one in orjson.loads(claimed.files)] if claimed.files else []
    return Parcel(
        type=claimed.type,
        delivery_key=claimed.delivery_key,
        payload=claimed.rendered,
        files=files,
        attempt=claimed.attempt,
        traceparent=claimed.traceparent,
    )


def _plain(text: str) -> str:
    """A receiver's words without what XML, a database or a terminal would choke on."""
    return text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)
