"""`gateway …`: one file a command group. Exit status 0 done, 1 it went wrong, 2 the call was wrong.

A command's file is imported when the command is called: the server is kept free of what only tools need.
"""

from __future__ import annotations

import contextlib
import importlib
import signal
import threading
from collections.abc import Iterator

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


@contextlib.contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Ctrl-C ends the process at once: while modules are imported, Python may lose the exception that it raises instead
    (in a callback of the import's own locks), and nothing is there yet that had to be taken down."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_FILES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        file = _FILES.get(cmd_name)
        if file is None:
            return None
        with _ended_by_ctrl_c():
            module = importlib.import_module(f"gateway.cli.{file}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """The gateway between the trading platforms and the treasury's payment platform."""
