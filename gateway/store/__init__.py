"""The store: what is acknowledged is here first. `open_store` gives one for a URL."""

from __future__ import annotations

import socket
from pathlib import Path

from gateway.errors import ConfigError, Finding
from gateway.store.contract import Evidence, Store

__all__ = ["Store", "open_store"]


def open_store(
    url: str,
    data_dir: Path,
    *,
    evidence: Evidence | None = None,
    neighbours: socket.socket | None = None,
) -> Store:
    """The store that `url` names, not yet opened: `sqlite:///relative.db`, `sqlite:////absolute.db`,
    `postgresql://user:password@host/database`.

    `data_dir` is where its side files go. `evidence` is the log of this
    writer; without it accepted messages have no place and no receipt (tools that only
    read or resolve). ConfigError where the URL names no store.
    """
    scheme, _, place = url.partition("://")
    if scheme == "sqlite" and place.startswith("/") and len(place) > 1:
        # Imported here: who only needs the contract does not load SQLAlchemy.
        from gateway.store.sqlite import SqliteStore

        return SqliteStore(Path(place[1:]), data_dir, evidence, neighbours)
    if scheme in ("postgresql", "postgres") and place:
        from gateway.store.postgres import PostgresStore

        return PostgresStore(url, evidence)
    text = f"expected sqlite:///FILE or postgresql://HOST/DATABASE, got {scheme}://…"
    raise ConfigError([Finding("config/gateway.yaml", 0, 0, "store_url", text)])
