"""The floor of a hop: every primitive that the wire needs, called directly, back to back.

Parse; XSD; two maps; two seals and two unseals (message in and out, the reply, the receiver's answer), each from and
to the bytes on the wire and of its own size; three durable writes (accept, claim, outcome) at batch 32. `bare.py` calls them between one HTTP receive
and one send. Nothing of the gateway's own pipeline is here; maps are the compiled functions themselves.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson
import pybase64
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BATCH = 32
_P256, _ECDH, _ES256 = ec.SECP256R1(), ec.ECDH(), ec.ECDSA(hashes.SHA256())
_PARTIES = b"\0\0\0\x0eECDH-ES+A256KW" + bytes(8) + b"\0\0\1\0"
_THUMBPRINT = "H2_6m_YhyLP6Et6ScIy9-gyxrAY7th5h_c4-Ks4UNno"
_CLAIMS = {
    "alg": "ES256", "kid": _THUMBPRINT, "iss": "GGZY-JSGC", "aud": "GW", "msg": "2002", "idk": "0" * 64,
    "iat": 1_800_000_000, "jti": "01M8G15MXG2A16DW7V200Q8B87", "cty": "application/xml",
}  # fmt: skip
_WRAPPING = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": _THUMBPRINT, "cty": "jose"}
_TICKS = os.sysconf("SC_CLK_TCK")


def make_seal_pair(payload: bytes) -> tuple[Callable[[], bytes], Callable[[], bytes]]:
    """(seal, unseal): between a payload and what the suite jose has on the wire, a compact JWE around a compact JWS
    (DESIGN.md, seals on the wire), by ES256, ECDH-ES+A256KW and A256GCM. Each step is a call of a library; nothing is
    judged but the signature and the tag."""
    signer, receiver = ec.generate_private_key(_P256), ec.generate_private_key(_P256)
    receiver_public, signer_public = receiver.public_key(), signer.public_key()

    def seal() -> bytes:
        signed = _encode(orjson.dumps(_CLAIMS)) + b"." + _encode(payload)
        r, s = decode_dss_signature(signer.sign(signed, _ES256))
        token = signed + b"." + _encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        ephemeral = ec.generate_private_key(_P256)
        point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        x, y = _encode(point[1:33]).decode(), _encode(point[33:]).decode()
        header = _encode(orjson.dumps({**_WRAPPING, "epk": {"kty": "EC", "crv": "P-256", "x": x, "y": y}}))
        content_key, nonce = os.urandom(32), os.urandom(12)
        wrapped = aes_key_wrap(_derive(ephemeral.exchange(_ECDH, receiver_public)), content_key)
        sealed = AESGCM(content_key).encrypt(nonce, token, header)
        return b".".join((header, *map(_encode, (wrapped, nonce, sealed[:-16], sealed[-16:]))))

    wire = seal()

    def unseal() -> bytes:
        header, *parts = wire.split(b".")
        wrapped, nonce, text, tag = map(_decode, parts)
        epk = orjson.loads(_decode(header))["epk"]
        point = b"\x04" + _decode(epk["x"].encode()) + _decode(epk["y"].encode())
        shared = receiver.exchange(_ECDH, ec.EllipticCurvePublicKey.from_encoded_point(_P256, point))
        content_key = aes_key_unwrap(_derive(shared), wrapped)
        token = AESGCM(content_key).decrypt(nonce, text + tag, header)
        claims, body, signature = token.split(b".")
        pair = _decode(signature)
        r, s = int.from_bytes(pair[:32], "big"), int.from_bytes(pair[32:], "big")
        signer_public.verify(encode_dss_signature(r, s), claims + b"." + body, _ES256)
        orjson.loads(_decode(claims))
        return _decode(body)

    if unseal() != payload:
        raise RuntimeError("what was sealed is not what was unsealed")
    return seal, unseal


def _encode(data: bytes) -> bytes:
    return pybase64.urlsafe_b64encode(data).rstrip(b"=")


def _decode(text: bytes) -> bytes:
    return pybase64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def _derive(shared: bytes) -> bytes:
    """Concat KDF of RFC 7518 section 4.6.2, one round."""
    return hashlib.sha256(b"\0\0\0\1" + shared + _PARTIES).digest()


class DurableWrites:
    """Three durable writes of a message (a row of its size, a claim, an outcome), a batch at a time."""

    def __init__(self, folder: Path, row: bytes):
        self._row = row
        self._next = 1
        self._connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
        self._connection.execute("pragma journal_mode=wal")
        self._connection.execute("pragma synchronous=full")
        self._connection.execute(
            "create table m (id integer primary key, key text unique, body blob, state text)"
        )

    def batch(self) -> None:
        """Writes BATCH messages; six statements and three commits, each with its fsync."""
        ids = range(self._next, self._next + BATCH)
        self._next += BATCH
        rows = [(one, f"k{one}", self._row) for one in ids]
        self._commit("insert into m values (?, ?, ?, 'ready')", rows)
        for state in ("leased", "done"):
            self._commit("update m set state = ? where id = ?", [(state, one) for one in ids])

    def _commit(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        self._connection.execute("begin immediate")
        self._connection.executemany(statement, rows)
        self._connection.execute("commit")

    def close(self) -> None:
        self._connection.close()


def cpu_seconds(pid: int) -> float:
    """User and system time that the kernel charged a process; to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
