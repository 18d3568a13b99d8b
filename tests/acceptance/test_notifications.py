"""Notifications of alarms against a real HTTP server and a real mail server, in the clear and under TLS."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult

from gateway import clock
from gateway.alarmfile import NotifySettings
from gateway.alarmrules import Rule, Sample
from gateway.errors import ConfigError
from gateway.notifying import Notifier, Target, open_targets
from gateway.notifying.mail import mail_of, send_mail
from gateway.notifying.webhook import post
from gateway.settings import load_settings
from gateway.store import Store, open_store
from tests.acceptance.harness import ROOT
from tests.store.samples import new_log

SECRET = "a-shared-secret"
TOLD: dict[str, Any] = {
    "id": "N1", "kind": "fired", "at": 1_795_000_000_000, "alarm": "A1", "rule": "dead-letters", "severity": "warning",
    "title_zh": "有投递待人工处理", "title_en": "Deliveries wait for a person", "metric": "gateway_deliveries",
    "labels": {"state": "dead"}, "comparison": ">", "threshold": 0.0, "value": 3.0, "told": "3",
    "since": 1_794_999_000_000, "fired_at": 1_795_000_000_000, "ended_at": 0,
}  # fmt: skip


@dataclass
class Hook:
    """A webhook's receiver: what it got, and what it answers, one after the other (then 204)."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        status = self.answers.pop(0) if self.answers else 204
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})


@pytest_asyncio.fixture
async def hook() -> AsyncIterator[Hook]:
    found = Hook()
    app = web.Application()
    app.router.add_post("/hook", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield found
    await runner.cleanup()


@dataclass
class Mailbox:
    """A mail server's handler."""

    mails: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    refuses: str = ""

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if self.refuses:
            return self.refuses
        read = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, read))  # type: ignore[arg-type]
        return "250 OK"


@asynccontextmanager
async def mail_server(box: Mailbox, *, tls: ssl.SSLContext | None = None, **given: Any) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(box, enable_SMTPUTF8=False, **given), "127.0.0.1", 0, ssl=tls
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of localhost, with its key in one file; its own authority."""
    from datetime import timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def notify(hook_url: str = "", port: int = 0, **mail: Any) -> NotifySettings:
    targets: dict[str, Any] = {}
    if hook_url:
        targets["hook"] = {"kind": "webhook", "url": hook_url, "secret": "env:HOOK_SECRET"}
    if port:
        targets["duty"] = {"kind": "mail", "to": ["duty@treasury.cn", "second@treasury.cn"]}
    server = {"host": "localhost", "port": port, "security": "none", "sender": "gateway@treasury.cn", **mail}
    given = {"targets": targets, "first_s": 0.01, "most_s": 0.02, "attempts": 3, "timeout_s": 5}
    return NotifySettings.model_validate(given | ({"mail": server} if port else {}))


def targets_of(settings: NotifySettings) -> dict[str, Target]:
    whole = load_settings(ROOT, environ={})
    changed = replace(whole, gateway=whole.gateway.model_copy(update={"notify": settings}))
    return open_targets(changed, {"HOOK_SECRET": SECRET, "MAIL_PASSWORD": "pass word"})


def send(settings: NotifySettings, told: dict[str, Any] = TOLD) -> str:
    duty = targets_of(settings)["duty"]
    assert duty.mail is not None
    return send_mail(duty.mail, duty.password, duty.settings, told, 5)


async def test_a_webhook_is_signed_over_its_time_and_its_bytes(hook: Hook) -> None:
    async with aiohttp.ClientSession() as session:
        assert await post(session, hook.url, SECRET.encode(), TOLD, 5) == ""
    ((headers, body),) = hook.got
    assert orjson.loads(body) == TOLD and headers["Gateway-Notification"] == "N1"
    sent = headers["Gateway-Timestamp"]
    assert abs(int(sent) - clock.now_s()) < 30
    by_hand = hmac.new(SECRET.encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["Gateway-Signature"] == f"sha256={by_hand}" and SECRET not in str(headers)


@pytest.mark.parametrize(("status", "said"), [(302, "HTTP 302"), (500, "HTTP 500"), (404, "HTTP 404")])
async def test_whatever_is_not_taken_is_told_and_no_redirect_is_followed(
    hook: Hook, status: int, said: str
) -> None:
    hook.answers = [status]
    async with aiohttp.ClientSession() as session:
        assert await post(session, hook.url, b"s", TOLD, 5) == said
    assert len(hook.got) == 1


async def test_a_receiver_that_is_not_there_or_silent_is_told() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        assert await post(session, f"http://127.0.0.1:{port}/", b"s", TOLD, 0.2) == "no answer within 0.2 s"
        silent.close()
        await silent.wait_closed()
        assert "ClientConnectorError" in await post(session, f"http://127.0.0.1:{port}/", b"s", TOLD, 2)


async def test_an_e_mail_arrives_at_every_recipient_in_the_targets_language() -> None:
    box = Mailbox()
    async with mail_server(box) as port:
        assert await asyncio.to_thread(send, notify(port=port)) == ""
    ((sender, recipients, mail),) = box.mails
    assert (sender, recipients) == ("gateway@treasury.cn", ["duty@treasury.cn", "second@treasury.cn"])
    assert mail["Subject"] == "[告警] 警告: 有投递待人工处理 dead"
    assert mail["Message-ID"] == "<N1@treasury.cn>" and mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content().replace("\r\n", "\n")
    assert "条件：gateway_deliveries > 0\n" in text and '当前值：3 {state="dead"}\n' in text


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_e_mail_goes_out_under_tls_with_a_password(certificate: Path, security: str) -> None:
    box, context = Mailbox(), server_context(certificate)
    seen: list[tuple[bytes, bytes]] = []

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=True)

    own: dict[str, Any] = {"tls_context": context, "require_starttls": True} if security == "starttls" else {}
    # Of a server that speaks TLS from the start, aiosmtpd does not know that it does.
    own |= {"authenticator": authenticate, "auth_require_tls": security == "starttls"}
    settings = {
        "security": security, "authority": str(certificate), "user": "gateway", "password": "env:MAIL_PASSWORD",
    }  # fmt: skip
    async with mail_server(box, tls=context if security == "tls" else None, **own) as port:
        assert await asyncio.to_thread(send, notify(port=port, **settings)) == ""
        stranger = notify(port=port, **settings | {"authority": ""})  # the system knows no such authority
        assert "CERTIFICATE_VERIFY_FAILED" in await asyncio.to_thread(send, stranger)
    assert len(box.mails) == 1 and seen == [(b"gateway", b"pass word")]


async def test_without_tls_where_it_is_asked_for_nothing_is_sent() -> None:
    box = Mailbox()
    async with mail_server(box) as port:
        assert "STARTTLS" in await asyncio.to_thread(send, notify(port=port, security="starttls"))
    assert box.mails == []


async def test_a_server_that_refuses_is_told_by_its_number() -> None:
    box = Mailbox(refuses="554 no")
    async with mail_server(box) as port:
        assert await asyncio.to_thread(send, notify(port=port)) == "SMTP 554"


def test_no_line_break_gets_into_a_header() -> None:
    settings = notify(port=25)
    assert settings.mail is not None
    evil = TOLD | {"title_zh": "x\r\nBcc: all@treasury.cn", "labels": {"state": "dead\nX-A: b"}}
    mail = mail_of(settings.mail, settings.targets["duty"], evil)
    lines = mail.as_bytes().split(b"\r\n")
    assert not [line for line in lines if line.startswith((b"Bcc", b"X-A"))]
    assert mail["Subject"] == "[告警] 警告: x Bcc: all@treasury.cn dead X-A: b"


def test_a_secret_that_is_not_there_refuses_the_start() -> None:
    whole = load_settings(ROOT, environ={})
    settings = notify("http://127.0.0.1:1/hook")
    changed = replace(whole, gateway=whole.gateway.model_copy(update={"notify": settings}))
    with pytest.raises(ConfigError, match=r"notify\.targets\.hook\.secret"):
        open_targets(changed, {})


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("from the file\n")
    whole = load_settings(ROOT, environ={})
    target = {"kind": "webhook", "url": "https://host/x", "secret": f"file:{tmp_path / 'hook'}"}
    settings = NotifySettings.model_validate({"targets": {"hook": target}})
    changed = replace(whole, gateway=whole.gateway.model_copy(update={"notify": settings}))
    assert open_targets(changed, {})["hook"].secret == b"from the file"


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", tmp_path, evidence=new_log())
    await opened.open()
    yield opened
    await opened.close()


RULE = Rule(
    "dead-letters", "死信", "Dead letters", "gateway_deliveries", (), ">", 0, 0, "warning", ("hook", "duty", "gone"),
)  # fmt: skip


async def test_what_fires_is_sent_until_it_arrives_and_given_up_where_it_never_does(
    store: Store, hook: Hook
) -> None:
    box = Mailbox(refuses="451 later")
    hook.answers = [503, 503]
    async with mail_server(box) as port, aiohttp.ClientSession() as session:
        settings = notify(hook.url, port)
        notifier = Notifier(store, settings, targets_of(settings), session)
        assert await store.take_alarm_lease("", "w1", 60)
        await store.judge_alarms("", "w1", [RULE], [Sample("gateway_deliveries", (), 3)])
        async with asyncio.timeout(20):
            while any(row.state == "ready" for row in await store.notifications()):
                await notifier.look()
    states = {row.target: (row.state, row.attempts, row.fault) for row in await store.notifications()}
    assert states == {
        "hook": ("done", 3, ""), "duty": ("dead", 3, "SMTP 451"),
        "gone": ("dead", 1, "the configuration has no such target"),
    }  # fmt: skip
    ids = {headers["Gateway-Notification"] for headers, _ in hook.got}
    assert len(hook.got) == 3 and len(ids) == 1  # the same each time: who gets it twice can tell
