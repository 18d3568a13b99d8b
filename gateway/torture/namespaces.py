"""Nodes in network namespaces of their own: what is sent over a link that is down is lost.

Each node has one link, to a bridge on which the database listens. Senders and receivers meet it on its own loopback, by
sockets that the driver makes in its namespace (a socket stays where it was made): so a node whose link is down is cut
off from the database and from nothing else. Needs root and iproute2.

Names carry the driver's process id. A driver that was killed could take nothing down; the next one does it (`sweep`).
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.torture.leftovers import is_over

MakeSocket = Callable[[], socket.socket]
_CLONE_NEWNET = 0x40000000  # sched.h
_FOLDER = Path("/run/netns")
_OURS = re.compile(r"gwt(\d+)[nbv]\d*")
_NETWORKS = [f"198.18.{place}" for place in range(256)]  # RFC 2544: for tests of networks


class NoNamespaces(Exception):
    """They cannot be had on this machine; the text says why."""


def make_socket() -> socket.socket:
    """A TCP socket of the namespace that the driver is in."""
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


class Namespace:
    """One node's. `command` stands before the words of what is to run in it."""

    def __init__(self, name: str, link: str):
        self.name = name
        self.command = ("ip", "netns", "exec", name)
        self._link = link

    def shut(self) -> None:
        """From now on every packet between node and database is lost."""
        _ip("link", "set", self._link, "down")

    def open(self) -> None:
        _ip("link", "set", self._link, "up")

    def make_socket(self) -> socket.socket:
        """A TCP socket of this namespace, for the driver."""
        with self._entered():
            return make_socket()

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """For this thread alone. Nothing in it may wait: whatever runs then would be there too."""
        with Path("/proc/thread-self/ns/net").open("rb") as home, (_FOLDER / self.name).open("rb") as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())


class Network:
    """The bridge, which has `address` in `network`, and a namespace for each node."""

    def __init__(self, count: int):
        self._stem = f"gwt{os.getpid()}"
        self._bridge = f"{self._stem}b"
        prefix = _free_prefix()
        self.address, self.network = f"{prefix}.1", f"{prefix}.0/24"
        self.namespaces: list[Namespace] = []
        try:
            _ip("link", "add", self._bridge, "type", "bridge")
            _ip("address", "add", f"{self.address}/24", "dev", self._bridge)
            _ip("link", "set", self._bridge, "up")
            for place in range(count):
                self.namespaces.append(self._add(place, f"{prefix}.{place + 2}/24"))
        except NoNamespaces:
            self.remove()
            raise

    def _add(self, place: int, address: str) -> Namespace:
        name, link = f"{self._stem}n{place}", f"{self._stem}v{place}"
        _ip("netns", "add", name)
        _ip("link", "add", link, "type", "veth", "peer", "name", "db", "netns", name)
        _ip("link", "set", link, "master", self._bridge, "up")
        _ip("-n", name, "address", "add", address, "dev", "db")
        for own in ("lo", "db"):
            _ip("-n", name, "link", "set", own, "up")
        return Namespace(name, link)

    def remove(self) -> None:
        _remove(lambda pid: pid == os.getpid())


def open_network(count: int) -> Network:
    """For so many nodes. NoNamespaces says why there is none; then nothing is left of it."""
    if os.geteuid() != 0:
        raise NoNamespaces("only root may make network namespaces")
    sweep()
    return Network(count)


def sweep() -> None:
    """Takes down what drivers that are dead left."""
    _remove(is_over)


def _remove(is_due: Callable[[int], bool]) -> None:
    names = [path.name for path in _FOLDER.iterdir()] if _FOLDER.exists() else []
    for name in names:
        if (found := _OURS.fullmatch(name)) and is_due(int(found[1])):
            _ip("netns", "delete", name)  # with its end of the link, and so the other one
    for link in _told("link", "show"):
        if (found := _OURS.fullmatch(link["ifname"])) and is_due(int(found[1])):
            subprocess.run(["ip", "link", "delete", link["ifname"]], capture_output=True, check=False)


def _free_prefix() -> str:
    """Of a network that nobody here is in, as 198.18.7."""
    taken = {
        one["local"].rpartition(".")[0]
        for link in _told("-4", "address", "show")
        for one in link.get("addr_info", ())
    }
    first = os.getpid() % len(_NETWORKS)
    for prefix in (*_NETWORKS[first:], *_NETWORKS[:first]):
        if prefix not in taken:
            return prefix
    raise NoNamespaces("all of 198.18.0.0/16 is in use")


def _told(*words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_ip("-j", *words) or "[]")
    return found


def _ip(*words: str) -> str:
    try:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise NoNamespaces("iproute2 is not installed") from error
    if done.returncode != 0:
        raise NoNamespaces(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def _enter(handle: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(handle, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
