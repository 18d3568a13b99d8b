"""Where a platform is a server that its clients poll: read → intake → confirm only after the commit.

A crash between the commit and the confirmation is harmless: the voucher is read again and its key is
known. A refusal is told by confirmVoucherFail, at most 200 GBK bytes each (DECISIONS.md 24). What was
read and could be neither confirmed nor refused stays with the store, and is read again until it can.

What cannot be taken now, since the gateway is busy or its store away, is passed by nothing: the round ends with it, and the
next one reads it first. Where a receiver of it has enough, it is passed by nothing of its type, and the other types go on. A voucher that a fault of ours holds up is passed, as nobody knows for how long.

One process of all nodes polls a store at a time (turns.py). Whoever takes the turn first reads again what another may
have read and left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from gateway import clock, refusals
from gateway.arrivals import Submission
from gateway.connectors.voucher import read_voucher
from gateway.errors import DeliveryError, MessageError
from gateway.formats import split
from gateway.message import GATEWAY_NODE, Claims, Parsed
from gateway.security.keys import Identity
from gateway.security.suite import Suite, Unsealed, check_claims
from gateway.security.trust import Trust
from gateway.settings import Platform, PollSettings, Settings
from gateway.store.contract import Outcome, Store, StoreUnavailable
from gateway.translate import Translator
from gateway.turns import Turn

log = structlog.get_logger("polling")
_REASON_BYTES = 200
PASSING = frozenset({"90001", "90002"})


class NotNow(DeliveryError):
    """Nothing is taken for the moment, whatever it is."""


class ReceiverFull(DeliveryError):
    """Nothing of this type is taken for the moment."""


class VoucherSource(Protocol):
    """The reading side of a voucher store."""

    async def read(self, vt_code: str, *, again: bool = False) -> bytes | None: ...
    async def confirm(self, vt_code: str, nos: Sequence[str]) -> None: ...
    async def confirm_fail(self, vt_code: str, nos: Sequence[str], messages: Sequence[str]) -> None: ...


class Poller:
    """One a treasury. When `turn` comes to it, it first reads again what was read and never confirmed."""

    def __init__(
        self,
        settings: Settings,
        platform: Platform,
        poll: PollSettings,
        source: VoucherSource,
        suite: Suite,
        identity: Identity,
        trust: Trust,
        translator: Translator,
        store: Store,
        take: Callable[[Submission], Awaitable[Outcome]],
        turn: Turn,
    ):
        self.settings = settings
        self.platform = platform
        self.poll = poll
        self.source = source
        self.suite = suite
        self.identity = identity
        self.trust = trust
        self.translator = translator
        self.store = store
        self.take = take
        self.turn = turn
        turn.on_taken = self._read_again
        self._stop = asyncio.Event()
        self._again: set[str] = set()  # what may have been read and is not settled

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        try:
            while not self._stop.is_set():
                if not await self.turn.hold():
                    await self._rest(max(self.turn.lasts_s / 5, self.poll.every_s))
                elif not await self._round():
                    await self._rest(self.poll.every_s)
        finally:
            await self.turn.give_back()

    def _read_again(self) -> None:
        self._again = set(self.poll.types)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return

    async def _round(self) -> int:
        """Every type once, until nothing can be taken for the moment. A call that fails holds up its own type alone, which is
        then read again; what is new of it is read once nothing of before could be settled."""
        settled = 0
        for vt_code in self.poll.types:
            if self._stop.is_set() or not await self.turn.hold():
                break
            try:
                count = await self._read(vt_code, again=True) if vt_code in self._again else 0
                settled += count or await self._read(vt_code)
            except NotNow as error:
                log.warning("poll held", platform=self.platform.id, type=vt_code, text=error.text)
                return 0
            except ReceiverFull as error:
                log.warning("type held", platform=self.platform.id, type=vt_code, text=error.text)
            except DeliveryError as error:
                log.warning(
                    "poll failed", platform=self.platform.id, type=vt_code, code=error.code, text=error.text
                )
        return settled

    async def _read(self, vt_code: str, *, again: bool = False) -> int:
        """Reads once; how many vouchers were settled. From the call on the store may think them read, so
        until all of them are settled the type is marked to be read again, whatever is raised here."""
        was_marked = vt_code in self._again
        self._again.add(vt_code)
        sealed = await self.source.read(vt_code, again=again)
        settled, held = await self._accept(vt_code, sealed) if sealed else (0, 0)
        if not held and (not sealed if again else not was_marked):
            self._again.discard(vt_code)
        return settled

    async def _accept(self, vt_code: str, sealed: bytes) -> tuple[int, int]:
        """Takes every voucher of a sealed batch over; confirms or refuses each by number. How many were
        settled, and how many are held: our own fault, or nobody can be told of them. NotNow or ReceiverFull once those
        before it are settled."""
        try:
            unsealed = self._unseal(sealed)
            vouchers = split(unsealed.payload)
        except MessageError as error:
            # Not the treasury's word: nothing is confirmed, nothing is believed, somebody must look.
            await self._note(vt_code, error)
            raise DeliveryError("poll.unverified", "the batch's seal does not hold") from error
        good: list[str] = []
        bad: list[tuple[str, str]] = []
        for one in vouchers:
            try:
                number, reason = await self._take_one(one, unsealed)
            except (NotNow, StoreUnavailable) as error:
                await self._settle_before(error, vt_code, good, bad)
                raise NotNow("poll.busy", str(error)) from error
            except ReceiverFull:
                await self._settle(vt_code, good, bad)
                raise
            except Exception:  # the others of the batch must not share its fate
                log.exception("voucher held by a fault of ours", platform=self.platform.id, type=vt_code)
            else:
                if reason:
                    bad.append((number, reason))
                else:
                    good.append(number)
        await self._settle(vt_code, good, bad)
        settled = len(good) + len(bad)
        return settled, len(vouchers) - settled

    async def _settle(self, vt_code: str, good: Sequence[str], bad: Sequence[tuple[str, str]]) -> None:
        if good:
            await self.source.confirm(vt_code, good)
        if bad:
            await self.source.confirm_fail(vt_code, [no for no, _ in bad], [why for _, why in bad])

    async def _settle_before(
        self, held: Exception, vt_code: str, good: Sequence[str], bad: Sequence[tuple[str, str]]
    ) -> None:
        """What came before the one that is held. NotNow where that cannot be told either: the round ends all the same."""
        try:
            await self._settle(vt_code, good, bad)
        except DeliveryError as error:
            raise NotNow("poll.busy", f"{held}; {error.text}") from error

    def _unseal(self, sealed: bytes) -> Unsealed:
        now = clock.now()
        unsealed = self.suite.unseal(sealed, self.identity, self.trust, now)
        check_claims(
            unsealed.claims,
            receiver=GATEWAY_NODE,
            at=now,
            max_age_s=self.settings.gateway.max_age_s,
            sender=self.platform.id,
        )
        return unsealed

    async def _take_one(self, data: bytes, unsealed: Unsealed) -> tuple[str, str]:
        """(voucher number, "" or the reason of the refusal). NotNow or ReceiverFull where it must wait."""
        parsed: Parsed | None = None
        try:
            parsed = self.translator.parse(self.platform, data)
            submission = self._submission(data, parsed, unsealed)
            await self.take(submission)
        except MessageError as error:
            if error.faults[0].code == "receiver.backlog":
                raise ReceiverFull("poll.backlog", str(error)) from error
            if error.result in PASSING:  # we are busy: that is no fault of the voucher, it is read again
                raise NotNow("poll.busy", str(error)) from error
            await self._note(parsed.own_type if parsed else "", error)
            return read_voucher(data).number, _reason(error)
        return parsed.envelope["VoucherNo"], ""

    def _submission(self, data: bytes, parsed: Parsed, unsealed: Unsealed) -> Submission:
        number = self.platform.types.get(parsed.own_type)
        if number is None:
            raise MessageError.of(
                "message.unknown-type",
                f"未约定的凭证类型 {parsed.own_type}",
                f"voucher type {parsed.own_type} is not agreed",
                result="10005",
                path="VtCode",
            )
        key = parsed.head["IdemKey"]
        # One seal covers the batch; the token of each voucher is the batch's, told apart by its key.
        claims = _with_key(unsealed, key, number)
        return Submission(
            self.platform, number, key, data, claims, unsealed.certificate.thumbprint, self.suite.name, "poll"
        )

    async def _note(self, own_type: str, error: MessageError) -> None:
        log.warning("voucher refused", platform=self.platform.id, type=own_type, result=error.result)
        number = self.platform.types.get(own_type, own_type)
        detail = {"cause": getattr(error, "cause_text", "")}
        await self.store.note_refusal(self.platform.id, number, clock.now_ms(), error.faults, detail)


def _with_key(unsealed: Unsealed, key: str, number: str) -> Claims:
    claims = unsealed.claims
    return Claims(
        sender=claims.sender,
        receiver=claims.receiver,
        msg_type=number,
        idem_key=key,
        issued_at=claims.issued_at,
        jti=f"{claims.jti}:{key[:16]}",
        content_type="application/xml",
    )


def _reason(error: MessageError) -> str:
    """The refusal's lines, cut to 200 GBK bytes on a character's border."""
    text = refusals.text(error).replace("\n", "；")
    return text.encode("gbk", "replace")[:_REASON_BYTES].decode("gbk", "ignore")
