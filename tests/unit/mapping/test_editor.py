"""What is generated from the tables of the language: the editors' JSON Schema and the reference of functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.configfile import load_document
from gateway.mapping import Context
from gateway.mapping.editor import function_reference, mapping_schema
from gateway.mapping.functions import functions
from gateway.mapping.mapping import mapping_files
from gateway.standard import Standard
from tests.unit.mapping.conftest import ACK, ACK_FIELDS, ROOT, Loading

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import fastjsonschema

FILE = ROOT / "schemas" / "mapping.schema.json"
Validate = Callable[[Any], Any]


@pytest.fixture(scope="module")
def validate() -> Validate:
    made: Validate = fastjsonschema.compile(orjson.loads(FILE.read_bytes()))
    return made


def test_the_schema_file_is_current(standard: Standard) -> None:
    assert orjson.loads(FILE.read_bytes()) == mapping_schema(standard), "gateway mapping schema > " + str(
        FILE
    )


@pytest.mark.parametrize(
    "path", mapping_files(ROOT / "mappings"), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_every_mapping_is_valid_under_it(path: Any, validate: Validate) -> None:
    validate(load_document(path).data)


@pytest.mark.parametrize(
    "change",
    [
        {"messsage": "x"},
        {"message": "NoSuchType"},
        {"direction": "both"},
        {"format": "xnl"},
        {"fields": {"A": {"frm": "B"}}},
        {"fields": {"A": True}},
        {"fields": None},
        {"fields": {"A": {"from": "B", "empty": "drop"}}},
        {"tables": {"t": {"a": ["b"]}}},
        {"ignored": "A"},
    ],
)
def test_an_editor_marks_what_is_wrong(change: dict[str, Any], validate: Validate) -> None:
    good = {"message": "CommonAck", "direction": "in", "format": "json", "version": 1, "fields": {"A": "B"}}
    validate(good)
    with pytest.raises(fastjsonschema.JsonSchemaException):
        validate({**good, **change})


def test_the_reference_of_functions_is_current() -> None:
    text = (ROOT / "docs" / "mapping-functions.md").read_text("utf-8")
    assert text == function_reference(), "gateway mapping functions > docs/mapping-functions.md"
    assert all(f"`{name}(" in text for name in functions)


def test_the_example_of_position_holds_in_each(load: Loading) -> None:
    expression, _, result = functions.get("position").example
    fields = f"  Errors/Error: {{each: A, fields: {{Code: B, Path: B, Text: '{expression}'}}}}\n"
    found = load(f"{ACK}fields:\n{ACK_FIELDS}{fields}").apply({"A": [{"B": "b"}]}, Context())
    assert found["Errors"]["Error"][0]["Text"] == result
