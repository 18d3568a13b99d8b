"""A RabbitMQ of the tests' own: on ports of 127.0.0.1, with its own folder, name and port mapper; ended by its process."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .harness import free_port

SERVER = Path(
    "/usr/lib/rabbitmq/bin/rabbitmq-server"
)  # the one in the path changes to the account of the service
EPMD = shutil.which("epmd")
START_S, STOP_S = 90, 30


def is_installed() -> bool:
    return SERVER.exists() and EPMD is not None


@contextmanager
def broker(folder: Path) -> Iterator[tuple[int, int]]:
    """The ports on which it speaks AMQP, without and with TLS; guest has the password guest. `ca.pem` in the folder vouches for it."""
    port, secure, mapper = free_port(), free_port(), free_port()
    _certify(folder)
    (folder / "plugins").write_text("[].\n")
    (folder / "rabbitmq.conf").write_text(
        "loopback_users.guest = true\nlog.file.level = warning\n"
        f"listeners.ssl.1 = 127.0.0.1:{secure}\nssl_options.cacertfile = {folder}/ca.pem\n"
        f"ssl_options.certfile = {folder}/ca.pem\nssl_options.keyfile = {folder}/key.pem\n"
    )
    environ = {
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder), "ERL_EPMD_PORT": str(mapper), "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"gateway-{port}@localhost", "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port), "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"), "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"), "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"), "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_SERVER_ERL_ARGS": "+S 1:1 +sbwt none",
    }  # fmt: skip
    assert EPMD is not None
    running: list[subprocess.Popen[bytes]] = []
    with (folder / "out").open("wb") as out:
        try:
            for words in ([EPMD], [str(SERVER)]):
                running.append(
                    subprocess.Popen(words, env=environ, stdout=out, stderr=subprocess.STDOUT, cwd=folder)
                )
            _await(port, running[-1])
            yield port, secure
        finally:
            for process in reversed(running):
                process.terminate()
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _certify(folder: Path) -> None:
    """A certificate for `localhost` that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until it greets: a header of no version that it speaks gets its own."""
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        assert process.poll() is None, "the broker ended"
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as opened:
                opened.sendall(b"AMQP\x00\x00\x00\x00")
                if opened.recv(8) == b"AMQP\x00\x00\x09\x01":
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the broker did not start")
