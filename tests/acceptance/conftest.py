"""The whole gateway over real sockets, with every sandbox platform as a partner on its own port."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway import app, clock
from gateway.client import PlatformClient
from gateway.message import GATEWAY_NODE, Record
from gateway.sandbox import Sandbox, start_all
from gateway.security import keys
from gateway.settings import load_settings
from gateway.standard import Standard
from gateway.standard import head as heads
from gateway.store import Store, open_store
from tests.store.samples import new_log

from .harness import ROOT

KINDS = {
    "GGZY-ZPT": "ec",
    "GGZY-JSGC": "rsa",
    "GGZY-ZFCG": "rsa",
    "CZ-ZFPT-310000": "sm2",
    "CZ-ZFPT-310115": "sm2",
}


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certs")
    keys.write_development_certificates(folder, {**KINDS, GATEWAY_NODE: "all"})
    return folder


@dataclass
class House:
    """A running gateway with its partners."""

    gateway: app.Gateway
    sandbox: Sandbox
    environ: dict[str, str]

    @property
    def general(self) -> PlatformClient:
        return self.sandbox.general.client

    @property
    def standard(self) -> Standard:
        return self.gateway.intake.translator.standard

    @property
    def url(self) -> str:
        return self.gateway.url

    async def restart(self) -> None:
        """A new gateway on the same data, at another port."""
        await self.gateway.stop()
        settings = load_settings(ROOT, environ=self.environ, urls=self.sandbox.urls())
        self.gateway = await app.start(settings)
        self.sandbox.set_gateway(self.gateway.url)

    def message(self, number: str, record: Record, version: str = "1") -> tuple[str, bytes]:
        """(idempotency key, the message as the general platform writes it)."""
        return general_message(self.standard, number, record, version)

    def subject(self, name: str = "上海测试养护有限公司") -> Record:
        return {**self.standard.sample("1001"), "LegalName": name, "BasicAcctName": name}


def general_message(standard: Standard, number: str, record: Record, version: str = "1") -> tuple[str, bytes]:
    body = standard.build(number, record)
    biz_key = standard.business_key(number, record)
    key = heads.idem_key(number, "GGZY-ZPT", biz_key, version, "1")
    moment = clock.t17()
    head = {
        "Ver": "1.0", "MsgNo": number, "MsgId": key[:32], "MsgRef": key[:32], "Src": "GGZY-ZPT", "Des": "GW",
        "AdmDivCode": "310000", "StYear": moment[:4], "BizType": standard.catalogue.get(number).step,
        "BizKey": biz_key, "BizVersion": version, "OperType": "1", "IdemKey": key,
        "BodyDigest": heads.body_digest(body), "WorkDate": moment[:8], "SendTime": moment, "RetryNo": "0",
    }  # fmt: skip
    document = {"Head": head, "Body": standard.to_json(number, record)}
    return key, json.dumps(document, ensure_ascii=False).encode()


@pytest.fixture
async def house(tmp_path: Path, certs: Path) -> AsyncIterator[House]:
    sandbox = await start_all(certs, tmp_path / "sandbox", schemas=ROOT / "schemas")
    environ = {
        "GATEWAY_PORT": "0",
        "GATEWAY_DATA_DIR": str(tmp_path / "var"),
        "GATEWAY_CERTIFICATES": str(certs),
        "GATEWAY_LEASE_S": "5",
    }
    try:
        gateway = await app.start(load_settings(ROOT, environ=environ, urls=sandbox.urls()))
    except BaseException:
        await sandbox.stop()
        raise
    sandbox.set_gateway(gateway.url)
    house = House(gateway, sandbox, environ)
    yield house
    await house.gateway.stop()
    await sandbox.stop()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store without a gateway around it."""
    opened = open_store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path, evidence=new_log())
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A root of its own, whose files a test may break."""
    for name in ("config", "mappings"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "schemas").symlink_to(ROOT / "schemas")
    return tmp_path
