"""`gateway standard show|sample|rules|diff|docs`: the standard's messages read, told, compared and written down."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import click
from lxml import etree

from gateway import xmltree
from gateway.cli.place import end_with_findings, find_root, print_json
from gateway.errors import ConfigError
from gateway.message import Record
from gateway.standard import CodeTables, Standard
from gateway.standard.changes import Version, compare, is_compatible, load_version
from gateway.standard.jsonschema import json_schema
from gateway.standard.reference import render_markdown, table_page, type_page, write_reference
from gateway.standard.ruledocs import rule_rows
from gateway.standard.sampling import Sampler

_JSON = click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")


def _folder(version: str) -> Path:
    """A version by its name (`v1`) or by its folder."""
    named = find_root() / "schemas" / "standard" / version
    folder = named if named.is_dir() else Path(version)
    if not (folder / "rules.yaml").is_file():
        raise click.UsageError(f"{version} is neither a version below schemas/standard nor the folder of one")
    return folder


def _version(name: str) -> Version:
    try:
        return load_version(_folder(name))
    except ConfigError as error:
        end_with_findings(error)


def _load() -> Standard:
    return Standard.load(find_root() / "schemas")


@click.command()
@click.argument("name", metavar="TYPE")
@_JSON
@click.option("--json-schema", "as_schema", is_flag=True, help="Print the JSON Schema of the JSON form.")
def show(name: str, as_json: bool, as_schema: bool) -> None:
    """A message type (number or name) or a code table: its elements, their meaning, codes, limits, sources, rules."""
    version = _version("v1")
    if name not in version.schemas.catalogue and version.codes is not None and name in version.codes.notes:
        if as_schema:
            raise click.UsageError(f"{name} is a code table: only message types have a JSON Schema")
        _show_table(version, version.codes, name, as_json)
        return
    try:
        kind = version.schemas.catalogue.get(name)
    except LookupError as error:
        raise click.UsageError(str(error)) from error
    schema = json_schema(kind, version.schemas.roots[kind.number])
    if as_schema:
        click.echo(json.dumps(schema, ensure_ascii=False, indent=2))
    elif as_json:
        print_json({"number": kind.number, "name": kind.name, "key": "|".join(kind.key), "schema": schema})
    else:
        click.echo(render_markdown(type_page(version, kind)))


def _show_table(version: Version, codes: CodeTables, name: str, as_json: bool) -> None:
    if not as_json:
        click.echo(render_markdown(table_page(version, name)))
        return
    rows = [{field: getattr(row, field) for field in row.__slots__} for row in codes.get(name).all_rows]
    said = codes.notes[name].model_dump(include={"zh", "en", "source", "fixed"})
    print_json({"table": name, **said, "rows": rows})


@click.command()
@click.argument("name", metavar="[TYPE]", required=False, default="")
@click.option("--count", default=1, show_default=True, type=click.IntRange(1, 100_000), help="How many.")
@click.option("--seed", default="1", show_default=True, help="The same seed gives the same samples.")
@click.option(
    "--chain", is_flag=True, help="Whole cases, from the subjects to the payment result, or to TYPE."
)
@_JSON
def sample(name: str, count: int, seed: str, chain: bool, as_json: bool) -> None:
    """Valid, realistic messages of TYPE: XML of the standard, or its JSON form."""
    if not name and not chain:
        raise click.UsageError("name a message type, or ask for whole cases with --chain")
    standard = _load()
    sampler = Sampler(standard, seed)
    try:
        made = _chains(sampler, count, name) if chain else _single(standard, sampler, count, name)
    except LookupError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        told = [[_told(standard, *one) for one in case] for case in made]
        alone = {"type": told[0][0]["type"], "samples": [case[0]["body"] for case in told]}
        print_json({"seed": seed, **({"chains": told} if chain else alone)})
        return
    for sender, number, record in (one for case in made for one in case):
        if chain:
            click.echo(f"<!-- {number} from {sender} -->")
        click.echo(_pretty(standard.build(number, record)))


Made = tuple[str, str, Record]  # sender (empty outside of a chain), number, record


def _single(standard: Standard, sampler: Sampler, count: int, name: str) -> list[list[Made]]:
    number = standard.catalogue.get(name).number
    return [[("", number, sampler.record(number, index))] for index in range(count)]


def _chains(sampler: Sampler, count: int, upto: str) -> list[list[Made]]:
    return [
        [(one.sender, one.number, one.record) for one in sampler.chain(index, upto)] for index in range(count)
    ]


def _told(standard: Standard, sender: str, number: str, record: Record) -> dict[str, Any]:
    return {"type": number, "sender": sender, "body": standard.to_json(number, record)}


def _pretty(body: bytes) -> str:
    root = xmltree.parse_built(body)
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


@click.command()
@_JSON
def rules(as_json: bool) -> None:
    """Every rule beside the schemas, in words; `docs/standard/rules.md` says more of each."""
    rows = rule_rows(_version("v1"))
    if as_json:
        print_json({"rules": rows})
        return
    for row in rows:
        click.echo(f"{row['id']:26} {row['types']:14} {row['zh']}  {row['en']}")


@click.command()
@click.argument("old", metavar="V1")
@click.argument("new", metavar="V2")
@_JSON
def diff(old: str, new: str, as_json: bool) -> None:
    """What changed from version V1 to V2 (names below schemas/standard, or folders), and whom it breaks.

    Ends with 0 where everything that was valid stays valid, with 1 where something does not.
    """
    changes = compare(_version(old), _version(new))
    compatible = is_compatible(changes)
    if as_json:
        shown = [
            {"place": one.place, "kind": one.kind, "old": one.old, "new": one.new, "breaks": one.breaks}
            for one in changes
        ]
        print_json({"old": old, "new": new, "changes": shown, "compatible": compatible})
    else:
        for one in changes:
            what = " → ".join(text for text in (one.old, one.new) if text)
            click.echo(f"{one.place}: {one.kind}: {what}{f'  [breaks {one.breaks}]' if one.breaks else ''}")
        verdict = (
            "compatible: what was valid stays valid"
            if compatible
            else "not compatible: some senders must change"
        )
        click.echo(f"{len(changes)} change(s); {verdict}")
    sys.exit(0 if compatible else 1)


@click.command()
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), help="Folder; docs/standard if not given."
)
@click.option("--check", is_flag=True, help="Write nothing; end with 1 where the reference is stale.")
@_JSON
def docs(into: Path | None, check: bool, as_json: bool) -> None:
    """Write the reference (Markdown, one HTML page, JSON Schemas) from schemas, code tables and rules."""
    folder = into or find_root() / "docs" / "standard"
    made = write_reference(_version("v1"))
    stale = [name for name, text in made.items() if not _is_current(folder / name, text)]
    left = [] if into is not None else _left_over(folder, made.keys())
    if not check:
        for name in stale:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(made[name], encoding="utf-8")
        for name in left:
            (folder / name).unlink()
    if as_json:
        print_json({"folder": str(folder), "files": len(made), "stale": [*stale, *left]})
    else:
        for name in (*stale, *left):
            click.echo(f"{'stale' if check else 'written' if name in made else 'removed'}: {folder / name}")
        click.echo(f"{len(made)} file(s), {len(stale) + len(left)} {'stale' if check else 'changed'}")
    sys.exit(1 if check and (stale or left) else 0)


def _left_over(folder: Path, names: Collection[str]) -> list[str]:
    """Pages of types that there are no more; nothing else in the folder is ours to remove."""
    pages = [
        str(path.relative_to(folder))
        for part in ("types", "json-schema")
        for path in (folder / part).glob("*")
    ]
    return sorted(name for name in pages if name not in names)


def _is_current(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


COMMANDS = (show, sample, rules, diff, docs)
