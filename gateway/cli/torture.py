"""`gateway torture`: does it lose, double or disorder anything while it is killed and everything around it fails?"""

from __future__ import annotations

import functools
import signal
import sys

import click

from gateway.cli.place import find_root, print_json, run_async
from gateway.torture.run import Outcome, run
from gateway.torture.stage import Plan

_SUMS = ("nodes", "kills", "faults", "accepted", "delivered", "lost", "doubled", "out_of_order", "stuck")
_SHORT = {"sqlite": (22, 5_000), "postgres": (22, 5_500)}
_LONG = {"sqlite": (500, 50_000), "postgres": (200, 50_000)}
_NODES = {"sqlite": 1, "postgres": 3}


@click.command()
@click.option("--short", is_flag=True, help="44 kills and 10,500 messages instead of 700 and 100,000.")
@click.option("--store", default="both", type=click.Choice(["both", "sqlite", "postgres"]))
@click.option("--kills", type=click.IntRange(1, 100_000), help="So many for each store.")
@click.option("--messages", type=click.IntRange(1, 10_000_000), help="At least so many for each store.")
@click.option("--most-seconds", default=14_400.0, help="For each store; then it ends with what it has.")
@click.option("--seed", default=0, help="Of the dice; 0: another one each time.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def torture(
    short: bool,
    store: str,
    kills: int | None,
    messages: int | None,
    most_seconds: float,
    seed: int,
    as_json: bool,
) -> None:
    """Kill the gateway again and again while messages flow and the network, the database, the disk and the
    clock fail; then compare what was acknowledged with what arrived. Status 1 where anything is wrong."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was set up is taken down
    stores = ("sqlite", "postgres") if store == "both" else (store,)
    outcomes = []
    for name in stores:
        size = (_SHORT if short else _LONG)[name]
        plan = Plan(name, _NODES[name], kills or size[0], messages or size[1], most_s=most_seconds, seed=seed)
        try:
            outcome = run_async(run(find_root(), plan, functools.partial(_say, name)))
        except FileNotFoundError as error:
            raise click.ClickException(str(error)) from error
        outcomes.append(outcome)
        _tell(outcome)
    wrong = [text for outcome in outcomes for text in outcome.wrong()]
    if as_json:
        told = [outcome.told() for outcome in outcomes]
        for one in told if len(told) > 1 else ():
            print_json(one)
        sums = {name: sum(int(str(one[name])) for one in told) for name in _SUMS}
        print_json({"store": "+".join(stores), **sums})
    sys.exit(1 if wrong else 0)


def _say(name: str, text: str) -> None:
    click.echo(f"{name} {text}")


def _tell(outcome: Outcome) -> None:
    click.echo(f"{outcome.store}: {outcome.seconds:.0f} s, {outcome.files} attachments", nl=False)
    click.echo(f", {outcome.replayed} replayed after quarantine, {outcome.idle_kills} kills not counted")
    if outcome.network:
        click.echo(
            f"  {outcome.network}; writes refused since their lease had run out: {outcome.late_writes}"
        )
    for title, counts in (("kills", outcome.kills), ("faults", outcome.faults)):
        click.echo(f"  {title}: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    for text in outcome.wrong()[:50]:
        click.echo(f"  WRONG: {text}")
