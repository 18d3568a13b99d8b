"""A workbook becomes a folder: a schema for each field table, a draft mapping where a message type fits, and
decisions.md with everything that a person must look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import ConfigError, Finding
from gateway.mapping.check import World
from gateway.mapping.draft.mapping import Draft, draft_mapping
from gateway.mapping.draft.matches import TypeMatch, is_likely, match_type, rank_types
from gateway.mapping.draft.rows import FieldTable
from gateway.mapping.draft.schema import compile_schema, element_name, write_schema
from gateway.mapping.draft.tables import Book, find_tables
from gateway.mapping.draft.workbook import read_workbook


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person asked for. `message`: the type, "" to have it proposed; `table`: number, name or
    sheet of the one table to take, "" for all; `root`: the outermost element, "" for the table's name."""

    profile: str
    form: str = "xml"
    message: str = ""
    table: str = ""
    root: str = ""
    force: bool = False


@dataclass(slots=True)
class Made:
    book: Book
    schemas: list[Path] = field(default_factory=list)
    broken: list[tuple[FieldTable, str]] = field(default_factory=list)
    drafts: list[tuple[Path, Draft]] = field(default_factory=list)
    passed_over: list[tuple[FieldTable, list[TypeMatch], str]] = field(default_factory=list)


def make(source: Path, out: Path, wish: Wish, world: World) -> Made:
    """Writes below `out`. ConfigError: no workbook, no such table or type, or files that stand there."""
    book = find_tables(read_workbook(source.read_bytes(), source.name))
    tables = [one for one in book.tables if not wish.table or wish.table in (one.number, one.name, one.sheet)]
    if not tables and wish.table:
        known = ", ".join(one.label for one in book.tables[:12]) or "none"
        raise _wrong(source, f"no field table {wish.table}; there are: {known}", "no-table")
    if wish.message and wish.message not in world.catalogue:
        raise _wrong(source, f"unknown message type {wish.message}", "unknown-type")
    book = Book(book.sheets, tables, book.unrecognised, book.index)
    made = Made(book)
    names = _write_schemas(made, tables, out, source.name, wish)
    _write_drafts(made, tables, names, out, source.name, wish, world)
    _write(out / "decisions.md", decisions(made, source.name), force=True)
    return made


def _wrong(source: Path, text: str, code: str) -> ConfigError:
    return ConfigError([Finding(source.name, 0, 0, "(workbook)", text, f"mapping.{code}")])


def _write(path: Path, text: str, *, force: bool) -> None:
    """Never over what somebody may have worked on."""
    if path.is_file() and not force and path.read_text(encoding="utf-8") != text:
        said = "stands there already and differs; name another --out, or write over it with --force"
        raise ConfigError([Finding(str(path), 0, 0, "(file)", said, "mapping.exists")])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_schemas(made: Made, tables: Sequence[FieldTable], out: Path, book: str, wish: Wish) -> list[str]:
    """The schemas' paths below `schemas/`, in the tables' order; "" for one that does not compile."""
    names: list[str] = []
    for table in tables:
        label = element_name(table.label)
        label = label[1:] if label.startswith("_") and table.label[:1].isdigit() else label
        path, serial = f"platforms/{wish.profile}/{label}.xsd", 2
        while path in names:
            path, serial = f"platforms/{wish.profile}/{label}-{serial}.xsd", serial + 1
        text = write_schema(
            table, book, wish.root or ("CONTEXT" if wish.form == "des" else table.name or "Record")
        )
        reason = compile_schema(text)
        names.append("" if reason else path)
        if reason:
            made.broken.append((table, reason))
            continue
        _write(out / "schemas" / path, text, force=wish.force)
        made.schemas.append(out / "schemas" / path)
    return names


def _write_drafts(
    made: Made,
    tables: Sequence[FieldTable],
    names: Sequence[str],
    out: Path,
    book: str,
    wish: Wish,
    world: World,
) -> None:
    """One draft a message type: of the table that fits it best."""
    chosen: dict[str, tuple[FieldTable, str, list[TypeMatch]]] = {}
    for table, schema in zip(tables, names, strict=True):
        if not schema:
            continue
        ranked = _ranked(table, wish, world)
        if not wish.message and not is_likely(ranked):
            made.passed_over.append((table, ranked, "no message type fits well enough"))
            continue
        name = ranked[0].kind.name
        other = chosen.get(name)
        if other is not None and other[2][0].confidence >= ranked[0].confidence:
            made.passed_over.append((table, ranked, f"{other[0].label} fits {name} better"))
            continue
        if other is not None:
            made.passed_over.append((other[0], other[2], f"{table.label} fits {name} better"))
        chosen[name] = (table, schema, ranked)
    for name, (table, schema, ranked) in sorted(chosen.items()):
        path = out / "mappings" / wish.profile / f"{name}.in.yaml"
        draft = draft_mapping(table, ranked, path, schema, wish.form, book, world)
        _write(path, draft.text, force=wish.force)
        made.drafts.append((path, draft))


def _ranked(table: FieldTable, wish: Wish, world: World) -> list[TypeMatch]:
    if wish.message:
        return [match_type(table, world.catalogue.get(wish.message), world)]
    return rank_types(table, world)


def decisions(made: Made, book: str) -> str:
    """What was read in another way than it stands, and what nobody but a person can say."""
    parts = [f"# {book}", ""]
    if made.book.unrecognised:
        parts += ["Sheets without a field table: " + ", ".join(made.book.unrecognised), ""]
    for path, draft in made.drafts:
        parts += [f"## {path.name}: {draft.table.label} {draft.table.title}", ""]
        parts += [f"- {one}" for one in draft.decisions] or ["- nothing"]
        parts.append("")
    for table, ranked, why in made.passed_over:
        likely = ", ".join(f"{one.kind.name} {one.confidence:.2f}" for one in ranked[:3]) or "none"
        parts += [f"- {table.label} {table.title}: no draft, {why} (likeliest: {likely})"]
    parts += ["", *(f"- {table.label}: the schema does not compile: {why}" for table, why in made.broken)]
    for table in made.book.tables:
        if table.notes:
            parts += ["", f"## {table.label} {table.title} (sheet {table.sheet})", ""]
            parts += [
                f"- row {note.row}: {note.text}" for note in sorted(table.notes, key=lambda one: one.row)
            ]
    return "\n".join(parts) + "\n"
