"""Schemas as light trees: what XSD can say of data, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.mapping.schema import UNBOUNDED, Element, SchemaError, Shelf, from_standard
from gateway.standard import Standard
from tests.unit.mapping.conftest import HERE, ROOT

NOTICE = "platforms/test/notice.xsd"


@pytest.fixture(scope="module")
def notice() -> Element:
    return Shelf(HERE / "schemas").get(NOTICE)


def at(root: Element, path: str) -> Element:
    return dict(root.walk())[path]


def test_the_tree_has_every_element_and_attribute_in_order(notice: Element) -> None:
    assert [path for path, _ in notice.walk()] == [
        *("USER_ID", "SESSION_ID", "ACTION", "ACTION_TIME", "NAMES", "CODES", "项目名称"),
        *("BUYER", "BUYER/NAME", "BUYER/CODE", "BUYER/ID_CARD", "BUYER/@kind"),
        *("LINES", "LINES/LINE", "LINES/LINE/NO", "LINES/LINE/PRICE", "LINES/LINE/TAG", "LINES/LINE/NOTE"),
        "LINES/LINE/NOTE/@lang",
    ]


def test_occurrences_choices_and_derivation(notice: Element) -> None:
    assert at(notice, "LINES/LINE").most == UNBOUNDED
    assert at(notice, "LINES/LINE/TAG").most == 9
    assert (at(notice, "USER_ID").least, at(notice, "SESSION_ID").least) == (1, 0)
    assert at(notice, "BUYER/NAME").least == 1
    assert (at(notice, "BUYER/CODE").least, at(notice, "BUYER/ID_CARD").least) == (0, 0)
    assert (at(notice, "BUYER/@kind").least, at(notice, "LINES/LINE/NOTE/@lang").least) == (0, 1)


def test_facets_and_annotations(notice: Element) -> None:
    user, action, code = at(notice, "USER_ID").leaf, at(notice, "ACTION").leaf, at(notice, "BUYER/CODE")
    assert user is not None
    assert user.max_length == 64
    assert action is not None
    assert action.values == {"1", "2", "3"}
    assert (code.zh, code.sensitive) == ("代码", True)
    assert at(notice, "LINES/LINE/NOTE").has_attributes


def test_every_schema_of_the_repository_is_understood() -> None:
    shelf = Shelf(ROOT / "schemas")
    paths = [
        path
        for path in (ROOT / "schemas/platforms").rglob("*.xsd")
        if not path.name.endswith(("types.xsd", "fields.xsd"))
    ]
    assert paths
    for path in paths:
        assert shelf.get(str(path.relative_to(ROOT / "schemas"))).children, path


def test_the_standards_own_tree_and_the_file_say_the_same(standard: Standard) -> None:
    shelf = Shelf(ROOT / "schemas")
    for kind in standard.catalogue:
        read = shelf.get(f"standard/v1/{kind.number}-{kind.name}.xsd")
        given = from_standard(standard.model(kind.number))
        assert [(path, one.least, one.most) for path, one in read.walk()] == [
            (path, one.least, one.most) for path, one in given.walk()
        ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read"),
        ("<a", "not well-formed"),
        ("<a/>", "not an XML schema"),
        ('<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>', "no global element"),
        ('<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="../../x.xsd"/></xs:schema>',
         "outside"),
        ('<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="A"><xs:complexType><xs:sequence>'
         '<xs:element ref="A"/></xs:sequence></xs:complexType></xs:element></xs:schema>', "contains itself"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a/>', "not allowed"),
    ],
)  # fmt: skip
def test_what_is_no_schema_is_told(text: str | None, says: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "x.xsd").write_text(text, encoding="utf-8")
    with pytest.raises(SchemaError, match=says):
        Shelf(tmp_path).get("x.xsd")


def test_nothing_outside_of_the_folder_is_read(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="outside"):
        Shelf(tmp_path).get("../x.xsd")
