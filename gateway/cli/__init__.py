"""`gateway …`: one file a command group. Exit status 0 done, 1 it went wrong, 2 the call was wrong.

A command's file is imported when the command is called: the server is kept free of what only tools need.
"""

from __future__ import annotations

import importlib

import click

from gateway import __version__

_FILES = {  # a command → its file, in the order in which they are told
    "demo": "demo",
    "serve": "serve",
    "console": "console",
    "sandbox": "sandbox",
    "check": "check",
    "send": "send",
    "log": "log",
    "replay": "deadletters",
    "platform": "platform",
    "parked": "parked",
    "certs": "certs",
    "standard": "standard",
    "mapping": "mapping",
    "process": "process",
    "evidence": "evidence",
    "invoice": "invoice",
    "reconcile": "reconcile",
    "backup": "backup",
    "restore": "backup",
    "archive": "archive",
    "purge": "archive",
    "user": "user",
    "alarms": "alarms",
    "bench": "bench",
    "torture": "torture",
}


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_FILES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        file = _FILES.get(cmd_name)
        if file is None:
            return None
        command = getattr(importlib.import_module(f"gateway.cli.{file}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """The gateway between the trading platforms and the treasury's payment platform."""
