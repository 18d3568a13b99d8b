"""The SDK that a platform uses: seal, send, receive.

Every try is sealed afresh under the same key, so a retry is always safe: the gateway answers with the
first outcome. What is refused raises `Refused` and is not tried again; a stale refusal carries the
gateway's time, by which the next try is sealed. What could not be delivered raises DeliveryError.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from gateway.client import attachments, downloads, inbox
from gateway.client.exchange import Exchange, send
from gateway.client.replies import (
    PROBLEM,
    Opened,
    Refused,
    Reply,
    read_fault,
    read_json_reply,
    read_soap_reply,
)
from gateway.client.wire import Wire, refusal_of
from gateway.errors import DeliveryError, MessageError
from gateway.formats import write_json
from gateway.message import GATEWAY_NODE, Claims
from gateway.security.suite import check_claims

_Reader = Callable[[int, bytes, Mapping[str, str]], Reply]


class PlatformClient(Wire):
    """One platform talking to the gateway."""

    # messages
    async def submit(
        self, type: str, payload: bytes, *, idem_key: str, content_type: str, wait_s: float = 0
    ) -> Reply:
        """POST /v1/messages/{type}. `payload` is the message in the platform's own form, unsealed.

        `wait_s` (at most 60) waits for the receivers' outcomes. Refused, or DeliveryError when the tries
        are used up; then the same call under the same key may be made again at any time.
        """
        headers = {
            "Content-Type": self.suite.content_type,
            "Idempotency-Key": f'"{idem_key}"',
            **({"Prefer": f"wait={wait_s:.0f}"} if wait_s > 0 else {}),
        }

        async def once() -> Reply:
            url = f"{self.base_url}/v1/messages/{quote(type, safe='')}"
            sealed = self.seal(payload, type, idem_key, content_type)
            exchange = await send(self.session, "POST", url, sealed, headers, self.timeout_s + wait_s)
            return self._read(exchange, idem_key, read_json_reply)

        return await self.try_again(once)

    async def submit_soap(
        self, payload: bytes, *, type: str, idem_key: str, content_type: str = "application/xml"
    ) -> Reply:
        """POST /soap/v1 with the sealed envelope as the body (suite wss); the same promises as `submit`."""
        headers = {"Content-Type": f"{self.suite.content_type}; charset=utf-8"}

        async def once() -> Reply:
            url = f"{self.base_url}/soap/v1"
            sealed = self.seal(payload, type, idem_key, content_type)
            exchange = await send(self.session, "POST", url, sealed, headers, self.timeout_s)
            return self._read(exchange, idem_key, read_soap_reply)

        return await self.try_again(once)

    async def message(self, id: str) -> dict[str, Any]:
        """GET /v1/messages/{id}: state, deliveries and timeline, for its sender and receivers."""
        return _object(await self.call("GET", f"/v1/messages/{quote(id, safe='')}"))

    async def receipt(self, id: str) -> dict[str, Any]:
        """GET /v1/receipts/{id}: the proof that a message was taken over."""
        return _object(await self.call("GET", f"/v1/receipts/{quote(id, safe='')}"))

    # deliveries
    def open(self, data: bytes) -> Opened:
        """A sealed body that was sent to this platform: MessageError 20001, 20005 or 20007 if it is not
        the gateway's word to us."""
        now = self.now()
        unsealed = self.suite.unseal(data, self.identity, self.trust, now)
        check_claims(unsealed.claims, receiver=self.node, at=now, sender=GATEWAY_NODE)
        return Opened(unsealed.payload, unsealed.claims)

    def seal_answer(
        self, payload: bytes, request: Claims, content_type: str, msg_type: str = "8001"
    ) -> bytes:
        """The sealed answer to a delivery, bound to it by its key."""
        return self.seal(payload, msg_type, request.idem_key, content_type)

    # pull mode, for a platform that cannot be called
    async def lease(self, most: int = 20) -> list[inbox.Leased]:
        """POST /v1/inbox/lease: up to `most` (≤ 100) deliveries that wait, each the head of its line. What is not
        confirmed while the lease lasts comes again under the same key."""
        return await inbox.lease(self, most)

    async def confirm(
        self, taken: Sequence[inbox.Leased] = (), failed: Sequence[inbox.Failure] = ()
    ) -> inbox.Confirmation:
        """POST /v1/inbox/confirm: only after what was taken is safe here. May be repeated."""
        return await inbox.confirm(self, taken, failed)

    # the seamless jump
    async def issue_ticket(
        self,
        subject: Mapping[str, str],
        target: str,
        context: str = "",
        target_url: str = "",
        client_ip: str = "",
    ) -> str:
        """A one-time ticket that takes a person who signed in here to the platform `target`.

        `subject`: UserId, LegalCode, LegalName, AuthMethod, SessionId and what else 1902 tells. It lives at most 60 seconds.
        """
        body: dict[str, Any] = {"Target": target, "Subject": dict(subject)}
        extra = {"BizContext": context, "TargetUrl": target_url, "ClientIp": client_ip}
        body.update({name: value for name, value in extra.items() if value})
        answer = _object(await self.call("POST", "/v1/tickets", body=write_json(body)))
        return str(answer["Ticket"])

    async def redeem_ticket(self, ticket: str, client_ip: str = "") -> dict[str, Any]:
        """Who came with the ticket (the body of 1902, with Source, BizContext, TargetUrl). Works once;
        Refused 20006 for a ticket that is unknown, used, expired or for another platform."""
        body = {"Ticket": ticket, **({"ClientIp": client_ip} if client_ip else {})}
        return _object(await self.call("POST", "/v1/tickets/redeem", body=write_json(body), repeatable=False))

    # progress
    async def progress(self, wanted: str | Mapping[str, str], on_behalf_of: str = "") -> dict[str, Any]:
        """Step 7. An application's number gives its item with the trace; conditions (contract_no, deal,
        party, from, to, page, size) give {Total, PageNo, PageSize, Items}. `on_behalf_of`: the LegalCode
        of the subject who asks; it then sees its own cases alone."""
        headers = {"On-Behalf-Of": on_behalf_of} if on_behalf_of else {}
        if isinstance(wanted, str):
            path = f"/v1/applications/{quote(wanted, safe='')}"
        else:
            path = f"/v1/applications?{urlencode(dict(wanted), quote_via=quote)}"
        return _object(await self.call("GET", path, headers=headers))

    # attachments
    async def upload(
        self,
        content: attachments.Content,
        *,
        receivers: Sequence[str] = (),
        algorithm: attachments.Algorithm = "sm3",
    ) -> str:
        """PUT /v1/attachments/{digest}: streams a file (bytes, or a path) to the gateway, going on where an
        earlier try broke off. `receivers` may fetch it. Returns the digest, "sm3:<hex>" (as messages name
        files) or "sha-256:<hex>"."""
        return await attachments.upload(self, content, receivers=receivers, algorithm=algorithm)

    def download(self, digest: str) -> AsyncIterator[bytes]:
        """GET /v1/attachments/{digest}: the plain bytes in pieces, going on where a connection broke off; the
        last one has passed the digest.
        What came before a failure must be thrown away by the caller."""
        return downloads.download(self, digest)

    def _read(self, exchange: Exchange, idem_key: str, read: _Reader) -> Reply:
        unsealed = self.unseal_answer(exchange, idem_key)
        if unsealed is None:
            raise refusal_of(exchange, exchange.data, False)
        payload = unsealed.payload
        is_problem = unsealed.claims.content_type.startswith(PROBLEM)
        if exchange.status >= 400 or is_problem or read_fault(payload) is not None:
            refused = refusal_of(exchange, payload, True)
            raise self.learn(refused, unsealed) if isinstance(refused, Refused) else refused
        try:
            return read(exchange.status, payload, exchange.headers)
        except (MessageError, ValueError) as error:
            text = str(error)[:300]
            raise DeliveryError("client.nonsense", text, status=exchange.status, unknown=True) from error


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise DeliveryError("client.nonsense", "the answer is not a JSON object", unknown=True)
    return answer
