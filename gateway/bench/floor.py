"""The floor of a hop: every primitive that the wire needs, called directly, back to back.

Parse; XSD; two maps; two seals and two unseals (message in and out, the reply, the receiver's answer);
three durable writes (accept, claim, outcome) at batch 32. `bare.py` calls them between one HTTP receive
and one send. Nothing of the gateway's own pipeline is here; maps are the compiled functions themselves.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

BATCH = 32
_TICKS = os.sysconf("SC_CLK_TCK")


def make_seal_pair(payload: bytes) -> tuple[Callable[[], object], Callable[[], object]]:
    """(seal, unseal) by ES256, ECDH-ES+A256KW and A256GCM, straight on the library."""
    signer, receiver = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    receiver_public, signer_public = receiver.public_key(), signer.public_key()

    def seal() -> tuple[bytes, ec.EllipticCurvePublicKey, bytes, bytes, bytes]:
        signature = signer.sign(payload, ec.ECDSA(hashes.SHA256()))
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        shared = ephemeral.exchange(ec.ECDH(), receiver_public)
        wrap = ConcatKDFHash(hashes.SHA256(), 32, b"").derive(shared)
        content_key, nonce = os.urandom(32), os.urandom(12)
        wrapped = aes_key_wrap(wrap, content_key)
        return (
            signature,
            ephemeral.public_key(),
            wrapped,
            nonce,
            AESGCM(content_key).encrypt(nonce, payload, b""),
        )

    sealed = seal()

    def unseal() -> None:
        signature, ephemeral, wrapped, nonce, text = sealed
        shared = receiver.exchange(ec.ECDH(), ephemeral)
        content_key = aes_key_unwrap(ConcatKDFHash(hashes.SHA256(), 32, b"").derive(shared), wrapped)
        plain = AESGCM(content_key).decrypt(nonce, text, b"")
        signer_public.verify(signature, plain, ec.ECDSA(hashes.SHA256()))

    return seal, unseal


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
