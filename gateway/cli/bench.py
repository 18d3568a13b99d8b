"""`gateway bench`: messages a second, CPU a message, and how far that is from the bare primitives."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.place import find_root, print_json, run_async

if TYPE_CHECKING:
    from gateway.torture.database import PostgresServer

BENCHES = ("endtoend", "mapping", "refusal", "attachments", "store", "scale", "console", "operators")


@click.command()
@click.option("--only", default="endtoend", help=f"Comma-separated: {', '.join(BENCHES)}.")
@click.option("--messages", default=6000, type=click.IntRange(100, 200_000), help="How many, end to end.")
@click.option("--mebibytes", default=1024, type=click.IntRange(1, 65_536), help="Size of the attachment.")
@click.option(
    "--rows", default=1_000_000, type=click.IntRange(1000, 10_000_000), help="Stored messages, for console."
)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def bench(only: str, messages: int, mebibytes: int, rows: int, as_json: bool) -> None:
    """Measure; nothing is judged. Figures of one run belong together, the machine's speed drifts."""
    wanted = set(only.split(","))
    unknown = wanted - set(BENCHES)
    if unknown:
        raise click.UsageError(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(BENCHES)}")
    figures: dict[str, object] = {}
    if "endtoend" in wanted:
        figures |= _end_to_end(messages)
    if "mapping" in wanted:
        figures |= _mapping()
    if "refusal" in wanted:
        figures |= _refusal()
    if "store" in wanted:
        figures |= _store()
    if "scale" in wanted:
        figures |= _scale()
    if wanted & {"attachments", "store"}:
        figures |= _attachments(mebibytes)
    if "console" in wanted:
        figures |= _console(rows)
    if "operators" in wanted:
        figures |= _operators()
    if as_json:
        print_json(figures)


def _mapping() -> dict[str, object]:
    try:
        from gateway.bench import mapping
    except ImportError as error:
        raise click.ClickException(f"{error.name} is not installed: pip install ggzy-gateway[dev]") from error
    figures: dict[str, object] = {**mapping.measure(find_root())}
    for name, value in figures.items():
        click.echo(f"{name:20} {value}")
    return figures


def _refusal() -> dict[str, object]:
    from gateway.bench import refusal

    spent = refusal.measure(find_root())
    figures: dict[str, object] = {
        "refusal_cpu_ms_p50": round(spent[len(spent) // 2], 3),
        "refusal_cpu_ms_p99": round(spent[len(spent) * 99 // 100], 3),
    }
    for name, value in figures.items():
        click.echo(f"{name:20} {value}")
    return figures


def _store() -> dict[str, object]:
    """What the store does as it fills: accepting, and recovery with a backlog."""
    from gateway.bench import recovery, scale

    root = find_root()
    with tempfile.TemporaryDirectory() as folder:
        figures: dict[str, object] = {**run_async(scale.measure_accepting(root, Path(folder)))}
    with tempfile.TemporaryDirectory() as folder:
        figures |= run_async(recovery.measure_recovery(root, Path(folder)))
    return _told(figures)


def _scale() -> dict[str, object]:
    """What several nodes do on one database."""
    from gateway.bench import claiming

    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as server:
        return _told({**run_async(claiming.measure_claiming(find_root(), Path(folder), server))})


def _console(rows: int) -> dict[str, object]:
    """Milliseconds at p95: of each question, the slowest ones last, then of all answers; the figure is the worst question's."""
    from gateway.bench import searching

    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as server:
        figures, answers = run_async(searching.measure(find_root(), Path(folder), server, rows))
    of_each = {
        question: [each.of_each[question] for each in answers.values()]
        for question in answers["sqlite"].of_each
    }
    for question, took in sorted(of_each.items(), key=lambda one: max(one[1])):
        click.echo(f"{question:40} p95, ms: {_by_store(answers, took)}")
    click.echo(
        f"{'all answers':40} p95, ms: {_by_store(answers, [each.pooled for each in answers.values()])}"
    )
    return _told({**figures})


def _by_store(names: Iterable[str], figures: Iterable[float]) -> str:
    return "  ".join(f"{name} {figure:8.1f}" for name, figure in zip(names, figures, strict=True))


def _operators() -> dict[str, object]:
    """What fifty people at the console cost the messages."""
    from gateway.bench import operators

    with tempfile.TemporaryDirectory() as folder:
        return _told({**run_async(operators.measure(find_root(), Path(folder)))})


@contextmanager
def _server(folder: Path) -> Iterator[PostgresServer]:
    """One that is set up as docs/running.md says, as far as this machine goes."""
    from gateway.bench import postgres

    try:
        with postgres.running(folder, shared_buffers="512MB", max_wal_size="4GB", autovacuum="on") as server:
            yield server
    except LookupError as error:
        raise click.ClickException(str(error)) from error


def _told(figures: dict[str, object]) -> dict[str, object]:
    for name, value in figures.items():
        click.echo(f"{name:32} {value}")
    return figures


def _attachments(mebibytes: int) -> dict[str, object]:
    from gateway.bench import attachments

    with tempfile.TemporaryDirectory() as folder:
        figures: dict[str, object] = {
            **run_async(attachments.measure(find_root(), Path(folder), mebibytes)),
        }
    for name, value in figures.items():
        click.echo(f"{name:32} {value}")
    return figures


def _end_to_end(messages: int) -> dict[str, object]:
    from gateway.bench import endtoend, hop

    root = find_root()
    with tempfile.TemporaryDirectory() as folder:
        click.echo("primitives of a hop, each alone, CPU µs:")
        for one in hop.primitives(root, Path(folder)):
            click.echo(f"  {one.name:42} {one.cpu_us():8.0f}")
    with tempfile.TemporaryDirectory() as folder:
        outcome = run_async(endtoend.run(root, Path(folder), messages))
    floor_ms = outcome.floor_cpu_s / outcome.messages * 1000
    cpu_ms = outcome.cpu_s / outcome.messages * 1000
    figures: dict[str, object] = {
        "suite": "jose",
        "messages": outcome.messages,
        "messages_per_s": round(outcome.messages / outcome.wall_s, 1),
        "cpu_ms_per_message": round(cpu_ms, 3),
        "floor_cpu_ms": round(floor_ms, 3),
        "floor_ratio": round(cpu_ms / floor_ms, 2),
        "accept_p50_ms": round(outcome.percentile(0.50), 1),
        "accept_p99_ms": round(outcome.percentile(0.99), 1),
        "rss_mib": round(outcome.rss_mib, 1),
    }
    for name, value in figures.items():
        click.echo(f"{name:20} {value}")
    return figures
