"""`gateway mapping schema` and `functions`: what editors and the docs are made from."""

from __future__ import annotations

import click
import orjson

from gateway.cli.place import find_root
from gateway.mapping.editor import function_reference, mapping_schema
from gateway.standard import Standard


@click.command()
def schema() -> None:
    """Print the JSON Schema of mapping files (schemas/mapping.schema.json), for completion in editors."""
    made = mapping_schema(Standard.load(find_root() / "schemas"))
    click.echo(orjson.dumps(made, option=orjson.OPT_INDENT_2).decode())


@click.command()
def functions() -> None:
    """Print the reference of functions (docs/mapping-functions.md)."""
    click.echo(function_reference(), nl=False)
