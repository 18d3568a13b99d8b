"""A notification as an e-mail, by the standard library's smtplib in a thread.

Mails of alarms are few, so a thread costs nothing and a library of its own is not needed. Every header is set through
`email.policy.SMTP`, which refuses a line break in a header; recipients are the configuration's alone.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Any

from gateway.alarmfile import MailSettings, TargetSettings
from gateway.notifying.words import subject_of, text_of

_MOST_WORDS = 200


def mail_of(mail: MailSettings, target: TargetSettings, told: Mapping[str, Any]) -> EmailMessage:
    """Its Message-ID is the notification's id: what is sent twice is one mail to whoever looks."""
    message = EmailMessage(policy=SMTP)
    message["From"] = mail.sender
    message["To"] = ", ".join(target.to)
    message["Subject"] = subject_of(told, target.language)
    message["Date"] = formatdate(told["at"] / 1000, localtime=False)
    message["Message-ID"] = f"<{told['id']}@{mail.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    message.set_content(text_of(told, target.language), cte="base64")
    return message


def send_mail(
    mail: MailSettings, password: str, target: TargetSettings, told: Mapping[str, Any], timeout_s: float
) -> str:
    """ "" where the server took it for every recipient; else why not. Blocks, `timeout_s` at each step."""
    try:
        with _connected(mail, timeout_s) as server:
            if mail.user:
                server.login(mail.user, password)
            refused = server.send_message(mail_of(mail, target, told), mail.sender, target.to)
            return f"refused: {', '.join(refused)}" if refused else ""
    except smtplib.SMTPResponseException as error:
        return f"SMTP {error.smtp_code}"
    except (OSError, smtplib.SMTPException) as error:
        return f"{type(error).__name__}: {error}"[:_MOST_WORDS]


def _connected(mail: MailSettings, timeout_s: float) -> smtplib.SMTP:
    """TLS from the start or by STARTTLS, with the server's name checked; never without where it is asked for."""
    if mail.security == "none":
        return smtplib.SMTP(mail.host, mail.port, timeout=timeout_s)
    context = ssl.create_default_context(cafile=mail.authority or None)
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=timeout_s, context=context)
    server = smtplib.SMTP(mail.host, mail.port, timeout=timeout_s)
    try:
        server.starttls(context=context)
    except (OSError, smtplib.SMTPException):
        server.close()
        raise
    return server
