"""A head, and the real files that lie beside the project on the owners' machines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.message import Head

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture
def head() -> Head:
    return Head(
        MsgNo="3001",
        MsgId="0" * 32,
        MsgRef="0" * 32,
        Src="GGZY-ZPT",
        Des="GGZY-JSGC",
        AdmDivCode="310000",
        StYear="2026",
        BizType="03",
        BizKey="SQ-310000-20260701-00001",
        BizVersion="2",
        OperType="1",
        IdemKey="a" * 64,
        BodyDigest="b" * 64,
        WorkDate="20260701",
        SendTime="20260701093000123",
    )


@pytest.fixture
def real_file() -> Callable[[str], bytes]:
    """The bytes of a file below ../shared/data; the test is skipped where there is none."""

    def read(name: str) -> bytes:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"the real sample {name} is not on this machine")
        return path.read_bytes()

    return read
