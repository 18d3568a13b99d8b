"""The reference of the standard, written from its schemas, code tables and rules alone."""

from __future__ import annotations

import json

from gateway.standard.changes import Version
from gateway.standard.jsonschema import head_schema, json_schema
from gateway.standard.reference.content import overview, type_page
from gateway.standard.reference.html import render_blocks, render_html
from gateway.standard.reference.lists import code_tables, rules, table_page
from gateway.standard.reference.markdown import render_markdown

__all__ = [
    "code_tables",
    "overview",
    "render_blocks",
    "render_markdown",
    "rules",
    "table_page",
    "type_page",
    "write_reference",
]


def write_reference(version: Version) -> dict[str, str]:
    """Path below the folder of the reference → text: Markdown a type, one HTML page, JSON Schemas."""
    kinds = list(version.schemas.catalogue)
    types = [type_page(version, kind) for kind in kinds]
    pages = [overview(version), *types, rules(version), code_tables(version)]
    made = {page.path: render_markdown(page) for page in pages}
    made["index.html"] = render_html(pages)
    schemas = {
        f"{kind.number}-{kind.name}": json_schema(kind, version.schemas.roots[kind.number]) for kind in kinds
    }
    schemas["Head"] = head_schema(version.schemas.head)
    for name, schema in schemas.items():
        text = json.dumps(schema, ensure_ascii=False, indent=2)
        made[f"json-schema/{name}.json"] = f"{text}\n"
    return made
