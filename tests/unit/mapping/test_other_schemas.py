"""JSON Schema and field tables as sources of a mapping: the same checks as with XSD."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from gateway.mapping import Context, Mapping, check_text
from gateway.mapping.fieldtable import read_field_table
from gateway.mapping.jsonschema import read_json_schema
from gateway.mapping.schema import SchemaError, Shelf
from gateway.standard import Standard

SCHEMA = {
    "type": "object",
    "required": ["userId", "action"],
    "properties": {
        "userId": {"type": "string", "minLength": 1, "maxLength": 64, "title": "用户"},
        "session-id": {"$ref": "#/$defs/Id"},
        "action": {"enum": ["login", "logout"]},
        "time": {"type": "string", "format": "date-time"},
        "项目": {"type": ["string", "null"]},
        "lines": {"type": "array", "maxItems": 20, "items": {"type": "object", "properties": {"no": {"type": "integer"}}}},
    },
    "$defs": {"Id": {"type": "string", "pattern": "^[0-9a-f]{32}$"}},
}  # fmt: skip
TABLE = """\
字段名,名称,数据类型,长度,格式,值域,必填,重复
userId,用户,文本,64,,,是,
session-id,会话,文本,32,[0-9a-f]{32},,否,
action,动作,文本,,,login;logout,是,
time,时间,时间,,yyyy-MM-dd HH:mm:ss,,否,
项目,项目,文本,,,,否,
lines/no,序号,整数,,,,否,
lines,明细,,,,,否,20
"""
MAPPING = """\
message: LogoutNotice
direction: in
format: json
schema: platforms/test/notice{ending}
version: 1
tables: {{action: {{login: "1", logout: "2"}}}}
fields:
  UserId:     userId
  SessionId:  session-id
  Action:     action | code("action")
  ActionTime: {{from: 'time | datetime("{format}")', absent: refuse}}
ignored: [项目, lines]
"""
FORMATS = {".json": "yyyy-MM-ddTHH:mm:ssXXX", ".csv": "yyyy-MM-dd HH:mm:ss"}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    folder = tmp_path / "platforms" / "test"
    folder.mkdir(parents=True)
    (folder / "notice.json").write_bytes(orjson.dumps(SCHEMA))
    (folder / "notice.csv").write_text(TABLE, encoding="utf-8-sig")
    return Shelf(tmp_path)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_schema_of_another_kind_describes_the_same_tree(ending: str, shelf: Shelf) -> None:
    root = shelf.get(f"platforms/test/notice{ending}")
    found = dict(root.walk())
    assert list(found) == ["userId", "session-id", "action", "time", "项目", "lines", "lines/no"]
    assert (found["userId"].least, found["userId"].zh, found["session-id"].least) == (1, "用户", 0)
    assert found["lines"].most == 20
    assert found["lines"].leaf is None
    user, session, action, number = (
        found[name].leaf for name in ("userId", "session-id", "action", "lines/no")
    )
    assert user is not None and session is not None and action is not None and number is not None
    assert user.max_length == 64
    assert session.longest == 32
    assert action.values == {"login", "logout"}
    assert number.is_number


@pytest.mark.parametrize("ending", FORMATS)
def test_a_mapping_is_checked_against_it_and_runs(
    ending: str, shelf: Shelf, standard: Standard, tmp_path: Path
) -> None:
    path = tmp_path / "p" / "LogoutNotice.in.yaml"
    text = MAPPING.format(ending=ending, format=FORMATS[ending])
    checked = check_text(text, path, standard, shelf)
    assert checked.findings == []
    moment = {".json": "2024-04-08T09:00:00Z", ".csv": "2024-04-08 17:00:00"}[ending]
    found = Mapping(path, checked).apply({"userId": "u", "action": "logout", "time": moment}, Context())
    assert found == {"UserId": "u", "Action": "2", "ActionTime": "20240408170000"}


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("userId", "userID", "mapping.unknown-source", 8),
        ('logout: "2"', 'leave: "2"', "mapping.missing-row", 10),
        ("time | datetime", "time | trim', absent: refuse} # ", "mapping.type-mismatch", 11),
        ("UserId:     userId", "UserId:     lines/no", "mapping.list-into-single", 8),
    ],
)
def test_faults_are_found_in_it(
    ending: str, old: str, new: str, code: str, line: int, shelf: Shelf, standard: Standard, tmp_path: Path
) -> None:
    text = MAPPING.format(ending=ending, format=FORMATS[ending]).replace(old, new, 1)
    found = check_text(text, tmp_path / "p" / "LogoutNotice.in.yaml", standard, shelf).findings
    assert (code, line) in [(one.code, one.line) for one in found]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "is an object"),
        ({"type": "string"}, "no properties"),
        ({"properties": {"a": {"oneOf": []}}}, "oneOf is not understood"),
        ({"properties": {"a": {"$ref": "other.json"}}}, "outside of the file"),
        ({"properties": {"a": {"$ref": "#/$defs/a"}}}, "not in the file"),
        ({"properties": {"a": {"$ref": "#"}}}, "contains itself"),
        ({"properties": {"a": {"allOf": [{"$ref": "#/properties/a"}]}}}, "refers to itself"),
        ({"properties": {"a": {"type": ["string", "object"]}}}, "one type is understood"),
        ({"properties": {"a": 5}}, "expected a schema"),
    ],
)
def test_a_json_schema_that_is_not_understood_is_refused(document: object, says: str) -> None:
    with pytest.raises(SchemaError, match=says):
        read_json_schema(document)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: no column name"),
        ("a,b\n", "line 1: no column name"),
        ("name,lenght\nA,5\n", "unknown column lenght; did you mean length"),
        ("name\n", "no fields"),
        ("name\nA//B\n", "line 2: expected a name"),
        ("name,type\nA,blob\n", "line 2: unknown type"),
        ("name\nA\nA\n", "line 3: A stands twice"),
        ("name,length\nA,ten\n", "line 2: expected a number"),
        ("name,required\nA,perhaps\n", "line 2: expected Y or N"),
        ("name,type,format\nA,date,yyyy-QQ\n", "line 2: format"),
        ("name,format\nA,[0-9\n", "line 2: format"),
        ('name\n"A\n', "not CSV"),
    ],
)
def test_a_field_table_that_is_not_understood_is_refused(text: str, says: str) -> None:
    with pytest.raises(SchemaError, match=says):
        read_field_table(text)
