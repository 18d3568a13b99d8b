"""What belongs to no step: sign-on, acknowledgements, heartbeat, certificates, code tables."""

from __future__ import annotations

import base64
import random
from datetime import timedelta

from gateway.digests import sm3_hex
from gateway.standard.codes import CodeTables
from gateway.standard.sampling.story import Story
from gateway.standard.sampling.writing import Made, d8, t14

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _user(story: Story) -> str:
    return f"U{story.created:%Y%m%d}{story.serial:06d}"


def _session(story: Story) -> str:
    return f"S-{story.applied:%Y%m%d}-{sm3_hex(story.seed.encode())[:12]}"


def ticket(story: Story, dice: random.Random) -> Made:
    return {
        "Ticket": "".join(dice.choice(_ALPHABET) for _ in range(43)),
        "TargetSystem": story.platform_node,
        "TargetUrl": "https://ggzy.example.com/sso",
        "BizContext": story.deal,
        "ClientIp": f"203.0.113.{dice.randrange(1, 255)}",
    }


def ticket_reply(story: Story) -> Made:
    return {
        "Result": "00000",
        "UserId": _user(story),
        "LegalCode": story.lead.code,
        "LegalName": story.lead.name,
        "UserName": story.lead.person,
        "Roles": "03",
        "AuthMethod": "01",
        "AuthTime": t14(story.applied, "093000"),
        "ExpireTime": t14(story.applied, "093100"),
        "SessionId": _session(story),
    }


def logout(story: Story) -> Made:
    return {
        "UserId": _user(story),
        "SessionId": _session(story),
        "Action": "1",
        "ActionTime": t14(story.applied, "180000"),
    }


def acknowledgement(story: Story) -> Made:
    return {
        "OriMsgNo": "3001",
        "OriMsgId": sm3_hex(story.application.encode())[:32],
        "Result": "00000",
        "Duplicate": "0",
    }


def receipt(story: Story) -> Made:
    return {
        "OriMsgNo": "4002",
        "BizKey": story.application,
        "BizVersion": "1",
        "PayAppNo": story.application,
        "ReceiptStatus": "3",
    }


def heartbeat(story: Story) -> Made:
    return {"Time": f"{t14(story.applied, '093000')}{story.serial % 1000:03d}"}


def certificate(story: Story, dice: random.Random) -> Made:
    body = dice.randbytes(420)
    der = b"\x30\x82" + len(body).to_bytes(2, "big") + body
    return {
        "CertSn": sm3_hex(body)[:24].upper(),
        "CertType": dice.choice("12"),
        "Cert": base64.b64encode(der).decode(),
        "ValidFrom": t14(story.created, "000000"),
        "ValidTo": t14(story.created + timedelta(days=1095), "000000"),
        "EffectTime": t14(story.created + timedelta(days=30), "000000"),
    }


def code_table(story: Story, codes: CodeTables) -> Made:
    table = codes.get("project-kind")
    rows = [
        {
            "Code": row.code,
            "NameZh": row.name_zh,
            "NameEn": row.name_en,
            "ValidFrom": d8(story.signed),
            "Enabled": "1",
        }
        for row in table.rows.values()
    ]
    return {
        "TableId": table.name_of_table,
        "TableVersion": d8(story.signed),
        "FullFlag": "2",
        "Rows": {"Row": rows},
    }
