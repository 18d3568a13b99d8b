"""What every command of the group needs: the standard, mappings, and how faults are shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gateway.cli.place import find_root
from gateway.errors import ConfigError, Fault, MessageError
from gateway.mapping import Checked, Mapping, check_file, load_mapping
from gateway.mapping.check import find_schemas
from gateway.mapping.comparison import Comparison, compare
from gateway.mapping.mapping import mapping_files
from gateway.mapping.schema import Shelf
from gateway.standard import Standard

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def load_standard() -> Standard:
    return Standard.load(find_root() / "schemas")


def all_files() -> list[Path]:
    return mapping_files(find_root() / "mappings")


def load(file: Path, standard: Standard | None = None) -> Mapping:
    return load_mapping(file, standard or load_standard())


def load_comparison(file: Path) -> Comparison:
    """ConfigError where the mapping has errors."""
    standard, shelf = load_standard(), Shelf(find_schemas(file))
    checked: Checked = check_file(file, standard, shelf)
    if checked.plan is None:
        raise ConfigError(checked.findings)
    return compare(checked, standard, shelf)


def show_faults(faults: Iterable[Fault]) -> None:
    for fault in faults:
        click.echo(f"{fault.place}: {fault.zh} / {fault.en} [{fault.code}]", err=True)


def with_findings(command: Callable[..., Any]) -> Callable[..., Any]:
    """A mapping's findings, and a message's faults, are shown line by line and end with status 1."""

    @wraps(command)
    def run(*given: Any, **named: Any) -> Any:
        try:
            return command(*given, **named)
        except ConfigError as error:
            click.echo(str(error), err=True)
        except MessageError as error:
            show_faults(error.faults)
        sys.exit(1)

    return run
