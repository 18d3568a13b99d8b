"""`gateway …`: one file a command group. Exit status 0 done, 1 it went wrong, 2 the call was wrong."""

from __future__ import annotations

import click

from gateway import __version__
from gateway.cli import (
    alarms,
    archive,
    backup,
    bench,
    certs,
    check,
    console,
    deadletters,
    demo,
    evidence,
    invoice,
    log,
    mapping,
    parked,
    platform,
    process,
    reconcile,
    sandbox,
    send,
    serve,
    standard,
    torture,
    user,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """The gateway between the trading platforms and the treasury's payment platform."""


for _command in (
    demo.demo,
    serve.serve,
    console.console,
    sandbox.sandbox,
    check.check,
    send.send,
    log.log,
    deadletters.replay,
    platform.platform,
    parked.parked,
    certs.certs,
    standard.standard,
    mapping.mapping,
    process.process,
    evidence.evidence,
    invoice.invoice,
    reconcile.reconcile,
    backup.backup,
    backup.restore,
    archive.archive,
    archive.purge,
    user.user,
    alarms.alarms,
    bench.bench,
    torture.torture,
):
    main.add_command(_command)
