"""What names a message for people who look for it: made once a type from the schema's own tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.message import Record
from gateway.standard.model import Element

MAX_CHARS, MAX_WORDS = 600, 40
_NAMING = ("No", "Code", "Name", "Key")


def without(text: str, values: Iterable[str]) -> str:
    for value in values:
        text = text.replace(value, "")
    return text


@dataclass(frozen=True, slots=True)
class Naming:
    """Which elements of a type name something: unmasked names, numbers, codes and keys, for the log's search."""

    leaves: tuple[str, ...]
    inner: tuple[tuple[str, Naming], ...]

    @classmethod
    def of(cls, element: Element) -> Naming:
        leaves, inner = [], []
        for child in element.children:
            if child.value is None:
                below = cls.of(child)
                if below.leaves or below.inner:
                    inner.append((child.name, below))
            elif child.name.endswith(_NAMING) and not (child.sensitive or child.repeats):
                leaves.append(child.name)
        return cls(tuple(leaves), tuple(inner))

    def text(self, record: Record, hidden: Iterable[str] = ()) -> str:
        """The values, each once, at most MAX_WORDS and a record's own rest; without what is `hidden`."""
        words: dict[str, None] = {}
        self._gather(record, words)
        return without(" ".join(words), hidden)[:MAX_CHARS]

    def _gather(self, record: Record, words: dict[str, None]) -> None:
        for name in self.leaves:
            if name in record:
                words[record[name]] = None
        for name, below in self.inner:
            found = record.get(name)
            if not found:
                continue
            for one in found if type(found) is list else (found,):
                if len(words) >= MAX_WORDS:
                    return
                if below.inner:
                    below._gather(one, words)
                    continue
                for (
                    leaf
                ) in below.leaves:  # long lists end here: a call for each would cost more than its words
                    if leaf in one:
                        words[one[leaf]] = None
