"""The catalogue comes from the schemas' annotations, and schemas that do not fit are refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.standard import Standard
from gateway.standard.catalogue import load_schemas
from gateway.standard.model import python_pattern
from tests.unit.standard.material import SCHEMAS, V1


def test_a_type_is_found_by_number_and_by_name(standard: Standard) -> None:
    kind = standard.catalogue.get("3001")
    assert kind is standard.catalogue.get("PaymentApplication")
    assert (kind.title_zh, kind.step, kind.key, kind.lane) == ("支付申请", "03", ("PayAppNo",), "case")
    assert "3001" in standard.catalogue and "PaymentApplication" in standard.catalogue
    assert "9999" not in standard.catalogue and len(standard.catalogue) == 34


def test_an_unknown_type_says_what_was_meant(standard: Standard) -> None:
    with pytest.raises(LookupError, match="did you mean PaymentResult"):
        standard.catalogue.get("PaymentResul")
    with pytest.raises(LookupError, match="there are: 1001"):
        standard.catalogue.get("zzzzzz")


def test_the_annotations_say_how_a_type_behaves(standard: Standard) -> None:
    get = standard.catalogue.get
    assert {kind.number for kind in standard.catalogue if kind.money} == {"4002", "5001", "5003"}
    assert {kind.number for kind in standard.catalogue if kind.fact} == {"5001", "5002", "5003"}
    assert not get("3004").versioned and not get("4002").versioned and get("3001").versioned
    assert get("1002").hashed_key and get("1002").answer == "1902" and get("6001").answer == "6002"
    assert get("3001").sensitive["Payees/Payee/AcctNo"] == "account"
    assert standard.sensitive("3001")["ApplicantPhone"] == "personal"


def test_a_model_finds_elements_by_path(standard: Standard) -> None:
    model = standard.model("3001")
    found = model.find("Invoices/Invoice/AmountWithTax")
    assert found is not None and found.value is not None and found.value.numeric
    assert model.find("Invoices/Invoice") is not None and model.find("Invoices/Invoice").repeats  # type: ignore[union-attr]
    assert model.find("Invoices/Bill") is None and model.find("Invoices/Bill/No") is None


Change = Callable[[str], str]
WRONG: dict[str, tuple[str, Change, str]] = {
    "a choice": ("9001-HeartBeat.xsd", lambda text: text.replace("xs:sequence", "xs:choice"), "choice"),
    "an unknown facet": (
        "types.xsd",
        lambda text: text.replace("xs:maxInclusive", "xs:maxExclusive"),
        "maxExclusive",
    ),
    "an unknown type": (
        "9001-HeartBeat.xsd",
        lambda text: text.replace('type="T17"', 'type="T18"'),
        "'T18'",
    ),
    "no lane": ("9001-HeartBeat.xsd", lambda text: text.replace("m:lane>", "m:line>"), "m:lane"),
    "a key that is no element": (
        "9001-HeartBeat.xsd",
        lambda text: text.replace("<m:key>Time", "<m:key>Clock"),
        "Clock",
    ),
    "no XML": ("9001-HeartBeat.xsd", lambda text: text[:200], "well-formed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_schema_that_this_reader_would_misread_is_refused(tmp_path: Path, name: str) -> None:
    file, change, expected = WRONG[name]
    for other in ("types.xsd", "envelope.xsd", "9001-HeartBeat.xsd"):
        shutil.copy(V1 / other, tmp_path / other)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert change(text) != text
    (tmp_path / file).write_text(change(text), encoding="utf-8")
    with pytest.raises(ConfigError, match=expected):
        load_schemas(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"), [("<m:codes>status<", "<m:codes>states<"), ("m:check>uscc<", "m:check>ussc<")]
)
def test_an_annotation_that_names_nothing_is_refused(tmp_path: Path, old: str, new: str) -> None:
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    changed = 0
    for path in (tmp_path / "schemas" / "standard" / "v1").glob("*.xsd"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, new), encoding="utf-8")
        changed += text.count(old)
    assert changed
    with pytest.raises(ConfigError, match="unknown"):
        Standard.load(tmp_path / "schemas")


def test_patterns_of_xsd_mean_the_same_in_python() -> None:
    assert python_pattern("a.c").fullmatch("abc") and not python_pattern("a.c").fullmatch("a\nc")
    assert python_pattern("^a$").fullmatch("^a$") and not python_pattern("^a$").fullmatch("a")
    assert python_pattern("[.^$]+").fullmatch(".^$") and python_pattern(r"\.").fullmatch(".")
    for foreign in (r"\i\c*", r"\p{L}", "[a-z-[aeiou]]"):
        with pytest.raises(ValueError, match="only XSD"):
            python_pattern(foreign)
