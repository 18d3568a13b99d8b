"""One message in each of its forms, leaf by leaf, and which leaf was made of which: by the mappings in force now.

What is shown of a form is what is stored. Sensitive values are masked by what the standard's form holds; what was
made of one, or was the source of one, and reads otherwise there, is not shown at all, nor what a platform calls as
the standard calls something sensitive. Of a form that cannot be traced nobody can tell what that is: where the type
has sensitive elements, nothing of it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.console.masked import NO_MASK, Masker
from gateway.errors import GatewayError
from gateway.formats import formats
from gateway.mapping import Context
from gateway.mapping import Mapping as MessageMapping
from gateway.mapping.explaining import Origin, origins, shown
from gateway.mapping.lineage import without_indexes
from gateway.message import Record
from gateway.settings import Platform
from gateway.standard import Standard
from gateway.store.contract import DeliveryRow, MessageRow
from gateway.translate import IDENTITY, Translator

MOST_BYTES = 256 * 1024  # a larger message is shown as text alone: tracing a mapping is slow
MOST_LEAVES = 1500
HIDDEN = "***"
WITHHELD = "lineage.withheld"
ORIGINAL, STANDARD = "original", "standard"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value, or a group (`value` None). `sources` are paths of the form that it was made from; `steps` the
    functions, each with what it was given and made: of a code table, the row."""

    path: str
    name: str
    depth: int
    value: str | None
    sources: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FormLeaves:
    """`of`: the form that it was made from, "" for the first. `mapping`: the version that tells the lineage;
    `made_by`: the one that made the form, "" where that is not kept. `fault`: why there are no leaves, as a key.
    `hidden`: plain values that may not be shown and that the masker does not know, of all leaves: never told.
    `is_traced`: false where it cannot be said which of its values were made of what."""

    id: str
    node: str
    of: str
    leaves: tuple[Leaf, ...] = ()
    mapping: str = ""
    made_by: str = ""
    fault: str = ""
    is_cut: bool = False
    hidden: frozenset[str] = field(default=frozenset(), repr=False)
    is_traced: bool = True


@dataclass(slots=True)
class _Links:
    """Target path → its origin, by a mapping's version. `is_traced`: what is not there was made of nothing."""

    by_target: dict[str, Origin] = field(default_factory=dict)
    version: str = ""
    is_traced: bool = True


def form_leaves(
    translator: Translator,
    row: MessageRow,
    deliveries: list[DeliveryRow],
    masker: Masker,
    answered: Record | None = None,
) -> list[FormLeaves]:
    """The sender's form, the standard's, and each receiver's. `answered`: the message that this one answers.
    Pure, and slow: for a thread."""
    if len(row.original) > MOST_BYTES or not row.body:
        return []
    sensitive = frozenset(translator.standard.sensitive(row.type))
    is_named = translator.standard.catalogue.is_sensitive_name
    record = translator.standard.read(row.type, row.body)
    head = {str(name): str(value) for name, value in orjson.loads(row.head).items()}
    original, links = _original(translator, row)
    sources = frozenset(
        without_indexes(source)
        for path, one in links.by_target.items()
        if without_indexes(path) in sensitive
        for source in one.sources
    ) | called_sensitive(original, is_named)
    is_open = links.is_traced or not sensitive
    forms = [
        _form(ORIGINAL, row.sender, "", original, _Links(is_traced=is_open), masker, sources),
        _form(STANDARD, "", ORIGINAL, record, links, masker, sensitive),
    ]
    for one in deliveries:
        forms.append(_receiver(translator, row, one, record, Context(head, {}, answered), masker, sensitive))
    return forms


def called_sensitive(record: Record | None, is_named: Callable[[str], bool]) -> frozenset[str]:
    """Paths of a platform's form, without indexes, whose last name is a sensitive one."""
    paths = (without_indexes(path) for path, _, _, value in walk(record) if value is not None)
    return frozenset(path for path in paths if is_named(path.rpartition("/")[2]))


def is_withheld(standard: Standard, row: MessageRow, form: FormLeaves | None, masker: Masker) -> bool:
    """May nothing of a platform's form be shown? `form`: as `form_leaves` tells of it; None: not at all."""
    is_traced = form is not None and form.is_traced
    return masker is not NO_MASK and not is_traced and bool(standard.sensitive(row.type))


def _original(translator: Translator, row: MessageRow) -> tuple[Record | None, _Links]:
    platform = translator.platforms.get(row.sender)
    if platform is None or not row.original:
        return None, _Links(is_traced=not row.original)
    try:
        parsed = formats.get(platform.format).decode(row.original)
    except GatewayError:
        return None, _Links(is_traced=False)
    if platform.profile == IDENTITY:
        return parsed.record, _same(parsed.record)
    mapping = translator.mappings.find(platform.profile, row.type, "in")
    return parsed.record, _traced(mapping, parsed.record, Context(parsed.head, platform.values))


def _receiver(
    translator: Translator,
    row: MessageRow,
    delivery: DeliveryRow,
    record: Record,
    context: Context,
    masker: Masker,
    sensitive: frozenset[str],
) -> FormLeaves:
    id_, node = f"to-{delivery.id}", delivery.receiver
    platform = translator.platforms.get(node)
    found = _decoded(platform, delivery.rendered)
    links = _Links(is_traced=not delivery.rendered)
    if found is not None and platform is not None and platform.profile == IDENTITY:
        links = _same(record)
    elif found is not None and platform is not None:
        mapping = translator.mappings.find(platform.profile, row.type, "out")
        links = _traced(mapping, record, Context(context.head, platform.values, context.origin))
    made_of_sensitive = frozenset(
        without_indexes(path)
        for path, one in links.by_target.items()
        if any(without_indexes(source) in sensitive for source in one.sources)
    ) | called_sensitive(found, translator.standard.catalogue.is_sensitive_name)
    links.is_traced = links.is_traced or not sensitive
    return _form(id_, node, STANDARD, found, links, masker, made_of_sensitive, delivery.rendered_version)


def _decoded(platform: Platform | None, data: bytes) -> Record | None:
    if platform is None or not data:
        return None
    try:
        return formats.get(platform.format).decode(data).record
    except GatewayError:
        return None


def _same(record: Record) -> _Links:
    """A platform that speaks the standard itself: every value is its own source."""
    paths = [path for path, _, _, value in walk(record) if value is not None]
    return _Links({path: Origin(path, "", (path,), ()) for path in paths}, "")


def _traced(mapping: MessageMapping | None, record: Record, context: Context) -> _Links:
    """A stylesheet tells no origins, and a field with a fault has none: so it is with messages of another version."""
    if mapping is None:
        return _Links(is_traced=False)
    traced = mapping.trace(record, context)
    is_traced = mapping.transform is None and not traced.faults
    return _Links({one.target: one for one in origins(traced)}, mapping.version, is_traced)


def _form(
    id_: str,
    node: str,
    of: str,
    record: Record | None,
    links: _Links,
    masker: Masker,
    sensitive: frozenset[str],
    made_by: str = "",
) -> FormLeaves:
    if id_ != STANDARD and not links.is_traced and masker is not NO_MASK:
        return FormLeaves(id_, node, of, made_by=made_by, fault=WITHHELD, is_traced=False)
    if record is None:
        return FormLeaves(id_, node, of, made_by=made_by, fault="lineage.unreadable")
    leaves: list[Leaf] = []
    hidden: set[str] = set()
    for path, name, depth, value in walk(record):
        origin = links.by_target.get(path)
        is_sensitive = masker is not NO_MASK and without_indexes(path) in sensitive
        if is_sensitive and value is not None and _is_unknown(str(value), masker):
            hidden.add(str(value))
        if len(leaves) == MOST_LEAVES:
            continue
        steps = origin.steps if origin else ()
        leaves.append(
            Leaf(
                path, name, depth,
                None if value is None else _masked(shown(value), masker, is_sensitive=is_sensitive),
                origin.sources if origin else (),
                tuple(_step(one, masker, is_sensitive=is_sensitive) for one in steps),
            )
        )  # fmt: skip
    return FormLeaves(
        id_, node, of, tuple(leaves), links.version, made_by,
        is_cut=len(leaves) == MOST_LEAVES, hidden=frozenset(hidden),
    )  # fmt: skip


def _masked(text: str, masker: Masker, *, is_sensitive: bool) -> str:
    return HIDDEN if is_sensitive and _is_unknown(text, masker) else masker.text(text)


def _is_unknown(text: str, masker: Masker) -> bool:
    return bool(text) and "*" not in text and masker.text(text) == text


def _step(step: str, masker: Masker, *, is_sensitive: bool) -> str:
    return step.partition(":")[0] if is_sensitive else masker.text(step)


def walk(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str, int, Any]]:
    """(path, name, depth, value) of every leaf, and of every group with None, as a mapping writes its paths."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            if name == "#text":
                yield path, name, depth, one
                continue
            yield from _walk_one(one, f"{path}/{name}" if path else name, name, depth)
    elif isinstance(value, list):
        for place, one in enumerate(value, 1):
            yield from _walk_one(one, f"{path}[{place}]", f"[{place}]", depth)


def _walk_one(value: Any, path: str, name: str, depth: int) -> Iterator[tuple[str, str, int, Any]]:
    if isinstance(value, Mapping | list):
        yield path, name, depth, None
        yield from walk(value, path, depth + 1)
    else:
        yield path, name, depth, "" if value is None else value
