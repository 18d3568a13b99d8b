"""XML → JSON → XML gives the same canonical bytes, for generated valid instances of every type.

`make round-trips` sets GATEWAY_INSTANCES to 1,000 a type; the suite takes a few of each.
"""

from __future__ import annotations

import json
import random

import jsonschema_rs
import pytest
from lxml import etree

from gateway import xmltree
from gateway.standard import Standard
from gateway.standard.jsonschema import json_schema
from tests.unit.standard.instances import LETTERS, instance
from tests.unit.standard.material import INSTANCES, each_type, schema


@each_type
def test_xml_to_json_to_xml_gives_the_same_canonical_bytes(number: str, standard: Standard) -> None:
    kind, root = standard.catalogue.get(number), standard.model(number)
    says = jsonschema_rs.validator_for(json_schema(kind, root))
    dice = random.Random(f"round trip {number}")
    for at in range(INSTANCES):
        record = instance(root, dice)
        body = standard.build(number, record)
        tree = etree.fromstring(body)
        assert schema(number).validate(tree), f"{number} #{at}: {schema(number).error_log}"
        assert xmltree.canonical(tree) == body, f"{number} #{at}"
        form = json.dumps(standard.to_json(number, standard.read(number, body)), ensure_ascii=False)
        assert standard.build(number, standard.from_json(number, json.loads(form))) == body, f"{number} #{at}"
        assert says.is_valid(json.loads(form)), f"{number} #{at}: {next(says.iter_errors(json.loads(form)))}"


@each_type
def test_the_json_schema_refuses_what_the_xml_schema_refuses(number: str, standard: Standard) -> None:
    """A required element dropped, a name unknown, a text where a list or object stands."""
    kind, root = standard.catalogue.get(number), standard.model(number)
    says = jsonschema_rs.validator_for(json_schema(kind, root))
    form = standard.to_json(number, standard.sample(number))
    assert says.is_valid(form)
    for child in root.children:
        if child.minimum:
            assert not says.is_valid({name: one for name, one in form.items() if name != child.name})
        if child.name in form and (child.value is None or child.value.integer):
            assert not says.is_valid(form | {child.name: "text"}), child.name
        if child.value is not None and child.value.max_length is not None and not child.value.integer:
            assert not says.is_valid(form | {child.name: "1" * (child.value.max_length + 1)}), child.name
    assert not says.is_valid(form | {"Unknown": "1"})


def test_generated_instances_hold_every_letter_that_is_dangerous(standard: Standard) -> None:
    """The round trip is worth what its texts are: markup, line ends, beyond the basic plane."""
    dice = random.Random(1)
    text = json.dumps([instance(standard.model("2003"), dice) for _ in range(60)], ensure_ascii=False)
    missing = [letter for letter in LETTERS if json.dumps(letter, ensure_ascii=False)[1:-1] not in text]
    assert not missing


@pytest.mark.parametrize("number", ["2003", "6001", "7001"])
def test_the_json_schema_carries_what_the_annotations_say(number: str, standard: Standard) -> None:
    root = standard.model(number)
    made = json_schema(standard.catalogue.get(number), root)
    for child in root.children:
        said = made["properties"][child.name]
        assert (said["title"], said["description"], said["x-source"]) == (child.zh, child.en, child.source)
        assert said.get("x-codes", "") == child.codes
