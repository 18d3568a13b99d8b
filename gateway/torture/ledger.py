"""What was promised, what arrived, and what of it is wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from gateway.torture.contents import Content


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a receiver saw it, whatever it answered. `taken`: it did what was asked, and not just answer 503."""

    receiver: str
    key: str
    line: str
    version: int
    mark: str
    taken: bool = True


@dataclass(frozen=True, slots=True)
class Notice:
    """What the gateway itself says (8002): a version of a line did not reach a receiver."""

    receiver: str
    line: str
    version: int
    mark: str


@dataclass(slots=True)
class Ledger:
    """`requests` holds every request that came, in order, before any is told from another."""

    acknowledged: dict[str, tuple[Content, str]] = field(
        default_factory=dict
    )  # by mark, with the message's id
    requests: list[Request] = field(default_factory=list)
    arrived: int = 0  # requests, whether they could be opened or not
    unopened: Counter[str] = field(default_factory=Counter)
    known: set[tuple[str, str]] = field(default_factory=set)  # (receiver, key): a receiver's own memory
    seen: set[str] = field(default_factory=set)  # marks
    offered: dict[str, Content] = field(default_factory=dict)  # by mark: everything that was ever sent
    receipts_differ: list[str] = field(default_factory=list)
    notices: dict[Notice, set[str]] = field(default_factory=dict)  # with their keys
    replays: Counter[tuple[str, str]] = field(default_factory=Counter)  # (message, receiver), by the operator

    def append(self, request: Request) -> bool:
        """Is it the first under its key that is taken?"""
        self.requests.append(request)
        if not request.taken:
            return False
        self.seen.add(request.mark)
        name = (request.receiver, request.key)
        fresh = name not in self.known
        self.known.add(name)
        return fresh

    def append_notice(self, key: str, notice: Notice) -> bool:
        """Is it the first under its key?"""
        keys = self.notices.setdefault(notice, set())
        fresh = key not in keys
        keys.add(key)
        return fresh

    @property
    def backlog(self) -> int:
        """Acknowledged and not yet there."""
        return len(self.acknowledged.keys() - self.seen)

    def lost(self) -> list[str]:
        return [content.key for mark, (content, _) in self.acknowledged.items() if mark not in self.seen]

    def doubled(self) -> list[str]:
        """Contents under two keys, keys with two contents, contents that nobody sent, and contents that the
        gateway took as two messages."""
        keys, marks = defaultdict(set), defaultdict(set)
        for request in self.requests:
            keys[request.receiver, request.mark].add(request.key)
            marks[request.receiver, request.key].add(request.mark)
        wrong = [f"{mark} under {len(found)} keys" for (_, mark), found in keys.items() if len(found) > 1]
        wrong += [f"{key} with {len(found)} contents" for (_, key), found in marks.items() if len(found) > 1]
        marked = {request.mark for request in self.requests}
        wrong += [f"{mark} was never sent" for mark in marked - self.offered.keys()]
        ids = Counter(message_id for _, message_id in self.acknowledged.values())
        wrong += [f"{message_id} acknowledges {count}" for message_id, count in ids.items() if count > 1]
        return wrong + self._doubled_notices()

    def _doubled_notices(self) -> list[str]:
        """A delivery that was replayed may die again, and is told of again: once a death. Of what was never acknowledged
        nobody here knows under which id it was replayed."""
        named = {(one.line, one.version): message_id for one, message_id in self.acknowledged.values()}
        wrong = []
        for notice, keys in self.notices.items():
            message_id = named.get((notice.line, notice.version))
            deaths = 1 + self.replays[message_id or "", notice.receiver]
            if message_id is not None and len(keys) > deaths:
                wrong.append(
                    f"notice of {notice.line} {notice.version} under {len(keys)} keys, it died {deaths} times at most"
                )
        return wrong

    def out_of_order(self) -> list[str]:
        """Versions of a line that arrived first after a later one had. A version between that was never
        acknowledged must not be missing either: it cannot, its followers were sent after it."""
        newest: dict[tuple[str, str], int] = {}
        first: set[tuple[str, str]] = set()
        wrong = []
        for request in self.requests:
            name = (request.receiver, request.key)
            if name in first or not request.taken:
                continue
            first.add(name)
            line = (request.receiver, request.line)
            if request.version != newest.get(line, 0) + 1:
                wrong.append(f"{request.line}: {request.version} after {newest.get(line, 0)}")
            newest[line] = max(newest.get(line, 0), request.version)
        return wrong
