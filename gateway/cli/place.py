"""Where the gateway's files are, and how a command ends."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import orjson
import structlog

from gateway import security
from gateway.errors import ConfigError, Finding
from gateway.message import GATEWAY_NODE
from gateway.settings import Settings, load_settings
from gateway.store.contract import StoreUnavailable

Result = TypeVar("Result")


def find_root() -> Path:
    """The folder that holds config/, schemas/ and mappings/: GATEWAY_ROOT, else here or above, else beside
    the installed package."""
    named = os.environ.get("GATEWAY_ROOT")
    places = [Path(named)] if named else [Path.cwd(), *Path.cwd().parents, Path(__file__).parents[2]]
    for place in places:
        if (place / "config" / "gateway.yaml").exists():
            return place
    raise click.UsageError("no config/gateway.yaml here or above; set GATEWAY_ROOT")


def settings_or_exit(urls: Mapping[str, str] | None = None) -> Settings:
    """The settings; on findings prints them all and ends with status 1."""
    try:
        return load_settings(find_root(), urls=urls)
    except ConfigError as error:
        end_with_findings(error)


def end_with_findings(error: ConfigError) -> NoReturn:
    for finding in error.findings:
        click.echo(str(finding), err=True)
    click.echo(f"{len(error.findings)} finding(s); the gateway does not start", err=True)
    sys.exit(1)


def ensure_certificates(settings: Settings) -> None:
    """Makes development keys where none are configured; configured ones are never touched."""
    if not settings.gateway.certificates:
        kinds = {platform.id: platform.key_kind for platform in settings.platforms.values()}
        try:
            security.keys.write_development_certificates(settings.certs_dir, {**kinds, GATEWAY_NODE: "all"})
        except OSError as error:
            text = f"cannot write {error.filename or settings.certs_dir}: {error.strerror or error}"
            end_with_findings(
                ConfigError([Finding("config/gateway.yaml", 0, 0, "data_dir", text, "config.data-dir")])
            )


def print_json(value: object) -> None:
    """The one line with the one JSON object that ends a `--json` command."""
    click.echo(orjson.dumps(value).decode())


def set_up_log(level: str = "info", stream: Any = None) -> None:
    """Structured log lines on stderr: JSON where it is not a terminal."""
    out = stream or sys.stderr
    renderer: Any = structlog.dev.ConsoleRenderer() if out.isatty() else structlog.processors.JSONRenderer()
    levels = {"debug": 10, "info": 20, "warning": 30, "error": 40}
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(levels[level]),
        logger_factory=structlog.PrintLoggerFactory(out),
    )


def run_async(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs on uvloop where it installs. Where the store cannot be used, says why and ends with status 1."""
    try:
        import uvloop

        run: Callable[[Coroutine[Any, Any, Result]], Result] = uvloop.run
    except ImportError:
        run = asyncio.run
    try:
        return run(work)
    except ConfigError as error:
        end_with_findings(error)
    except StoreUnavailable as error:
        click.echo(str(error), err=True)
        sys.exit(1)
