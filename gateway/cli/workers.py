"""`gateway serve --workers N`: a parent that owns the listening socket and keeps N workers alive.

Every worker accepts from the same socket, so one that ends takes no waiting connection with it. SIGTERM ends
all, gracefully. SIGUSR1 replaces the workers one by one: the new one answers before the old one stops.
SIGHUP goes to all of them. A worker that gets SIGUSR1 says at /readyz that the node stops. A worker whose parent died ends by itself (its standard input ends).
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence

import structlog

from gateway.store.neighbours import MOST_BYTES

log = structlog.get_logger("workers")
READY_S = 60.0
_LIVED_S = 5.0
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 10.0
BACKLOG = 1024


class WorkerFailed(Exception):
    """A worker ended before it was ready."""


def listen(host: str, port: int) -> socket.socket:
    """The socket that all workers accept from. OSError where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    listener.setblocking(False)
    return listener


class _Worker:
    """One child: its process, and the parent's ends of what connects them."""

    def __init__(self, number: int, process: asyncio.subprocess.Process, end: socket.socket):
        self.number = number
        self.process = process
        self.end = end
        self.is_leaving = False
        self.started_s = asyncio.get_running_loop().time()


class Workers:
    """`words`: what the workers' command line says besides their place. `stop_s`: how long what is in flight
    may take to finish."""

    def __init__(self, count: int, listener: socket.socket, words: Sequence[str], stop_s: float):
        self._count = count
        self._listener = listener
        self._words = tuple(words)
        self._stop_s = stop_s
        self._workers: dict[int, _Worker] = {}
        self._leaving: set[_Worker] = set()
        self._watchers: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._is_leaving = False
        self._rolling = asyncio.Lock()

    async def start(self) -> None:
        """All of them, at once. WorkerFailed where one cannot."""
        numbers = range(1, self._count + 1)
        started = await asyncio.gather(*map(self._spawn, numbers), return_exceptions=True)
        for one in started:
            if isinstance(one, BaseException):
                await self.stop()
                raise one

    async def replace_all(self) -> None:
        """One by one: the new worker is ready before the old one stops accepting."""
        async with self._rolling:
            for number in range(1, self._count + 1):
                old = self._workers[number]
                try:
                    await self._spawn(number)
                except WorkerFailed as error:
                    log.error("not replaced: the old workers stay", worker=number, cause=str(error))
                    return
                await self._dismiss(old)
                log.info("worker replaced", worker=number, pid=self._workers[number].process.pid)

    def signal_all(self, number: signal.Signals) -> None:
        for worker in self._workers.values():
            _signal(worker, number)

    async def take_leave(self, wait_s: float) -> None:
        """All still accept, and say at /readyz that they will not for long. Sooner over where somebody else ended them all."""
        self._is_leaving = True
        self.signal_all(signal.SIGUSR1)
        if self._watchers:
            await asyncio.wait(self._watchers, timeout=wait_s)

    async def stop(self) -> None:
        """What is in flight is finished, within the bound."""
        self._stopping = True
        await asyncio.gather(*(self._dismiss(one) for one in [*self._workers.values(), *self._leaving]))
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    async def _spawn(self, number: int) -> _Worker:
        """Starts a worker and waits until it accepts."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.setblocking(False)
        ready, told = os.pipe()
        fds = (self._listener.fileno(), theirs.fileno(), told)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "serve", *self._words, "--while-stdin",
            "--seat", f"{number}/{self._count}", "--fds", ",".join(map(str, fds)),
            stdin=asyncio.subprocess.PIPE, pass_fds=fds, start_new_session=True,
        )  # fmt: skip
        theirs.close()
        os.close(told)
        worker = _Worker(number, process, ours)
        try:
            if not await self._is_ready(ready):
                raise WorkerFailed(f"worker {number} did not become ready")
        except WorkerFailed:
            worker.is_leaving = True
            _signal(worker, signal.SIGKILL)
            await process.wait()
            ours.close()
            raise
        asyncio.get_running_loop().add_reader(ours.fileno(), self._pass_on, worker)
        self._workers[number] = worker
        watcher = asyncio.create_task(self._watch(worker))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        if self._is_leaving:
            _signal(worker, signal.SIGUSR1)
        return worker

    async def _is_ready(self, ready: int) -> bool:
        """Does it say so? False where it ends or takes too long."""
        loop = asyncio.get_running_loop()
        said: asyncio.Future[bytes] = loop.create_future()

        def read() -> None:
            if not said.done():
                said.set_result(os.read(ready, 16))

        loop.add_reader(ready, read)
        try:
            return bool(await asyncio.wait_for(said, READY_S))
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(ready)
            os.close(ready)

    async def _watch(self, worker: _Worker) -> None:
        """Starts another where it died; more slowly where it died young. None once all are leaving: a supervisor may have
        told the workers to end, and the parent too."""
        status = await worker.process.wait()
        asyncio.get_running_loop().remove_reader(worker.end.fileno())
        worker.end.close()
        self._leaving.discard(worker)
        delay_s = 0.0
        while not worker.is_leaving and not self._is_leaving and not self._stopping:
            log.error("worker died; another is started", worker=worker.number, status=status)
            lived_s = asyncio.get_running_loop().time() - worker.started_s
            if delay_s or lived_s < _LIVED_S:
                delay_s = min(max(delay_s * 2, _FIRST_DELAY_S), _LONGEST_DELAY_S)
                await asyncio.sleep(delay_s)
            try:
                await self._spawn(worker.number)
                return
            except WorkerFailed as error:
                delay_s = max(delay_s, _FIRST_DELAY_S)
                log.error("worker cannot start", cause=str(error))

    async def _dismiss(self, worker: _Worker) -> None:
        worker.is_leaving = True
        self._leaving.add(worker)
        _signal(worker, signal.SIGTERM)
        try:
            await asyncio.wait_for(worker.process.wait(), self._stop_s + 10)
        except TimeoutError:
            log.error("worker does not end; it is killed", worker=worker.number)
            _signal(worker, signal.SIGKILL)
            await worker.process.wait()

    def _pass_on(self, sender: _Worker) -> None:
        """A worker's word to all the others. Who does not read loses it: it is a hint."""
        try:
            word = sender.end.recv(MOST_BYTES)
        except (BlockingIOError, ConnectionError):
            return
        for worker in self._workers.values():
            if worker is not sender and word:
                try:
                    worker.end.send(word)
                except OSError:
                    continue


def _signal(worker: _Worker, number: signal.Signals) -> None:
    if worker.process.returncode is None:
        worker.process.send_signal(number)
