"""`gateway mapping …`: the commands of the group, each in a file by what it is for."""

from __future__ import annotations

import click

from gateway.cli.mapping import checking, drafting, explaining, fuzzing, reference, serving, trying


@click.group()
def mapping() -> None:
    """Mapping files."""


for _command in (
    checking.check,
    trying.run,
    trying.test,
    explaining.explain,
    explaining.table,
    drafting.new,
    fuzzing.fuzz,
    serving.serve,
    reference.schema,
    reference.functions,
):
    mapping.add_command(_command)
