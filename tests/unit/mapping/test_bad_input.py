"""A mapping file and a message can be wrong in any way: nothing is read, run, or endless, and no traceback."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError, MessageError
from gateway.mapping import Context, check_text, load_mapping
from gateway.standard import Standard
from tests.unit.mapping.conftest import ACK, ACK_FIELDS, FOLDER, Checking, Loading

BUYER = """\
message: LogoutNotice
direction: in
format: xml
schema: platforms/test/notice.xsd
version: 1
fields:
  UserId:     USER_ID
  SessionId:  BUYER/NAME | cut(64)
  Action:     ACTION
  ActionTime: {from: 'LINES/LINE/NO | first', absent: refuse}
ignored: [SESSION_ID, ACTION_TIME, NAMES, CODES, 项目名称, BUYER/CODE, BUYER/ID_CARD, BUYER/@kind, LINES]
"""


@pytest.mark.parametrize(
    ("record", "place", "zh", "en"),
    [
        ({"BUYER": "x"}, "BUYER", "读取 BUYER/NAME 时，BUYER 处应含子元素，实为文本",
         "asked for BUYER/NAME: at BUYER fields were expected, got a text"),
        ({"BUYER": [{"NAME": "a"}, {"NAME": "b"}]}, "BUYER", "读取 BUYER/NAME 时，BUYER 处应只有一项，实有 2 项",
         "asked for BUYER/NAME: at BUYER one item was expected, got 2"),
        ({"BUYER": {"NAME": ["a", "b"]}}, "BUYER/NAME", "读取 BUYER/NAME 时，BUYER/NAME 处应只有一个值，实有 2 个",
         "asked for BUYER/NAME: at BUYER/NAME one value was expected, got 2"),
        ({"BUYER": {"NAME": {"X": "y"}}}, "BUYER/NAME", "读取 BUYER/NAME 时，BUYER/NAME 处应为文本，实为记录",
         "asked for BUYER/NAME: at BUYER/NAME a text was expected, got a record (X)"),
        ({"LINES": {"LINE": ["a"]}}, "LINES/LINE[1]", "读取 LINES/LINE/NO 时，LINES/LINE[1] 处应含子元素，实为文本",
         "asked for LINES/LINE/NO: at LINES/LINE[1] fields were expected, got a text"),
    ],
)  # fmt: skip
def test_another_shape_than_promised_is_told_with_its_trail(
    record: dict[str, Any], place: str, zh: str, en: str, load: Loading
) -> None:
    mapping = load(BUYER, "LogoutNotice.in.yaml")
    message = {"USER_ID": "u", "ACTION": "1", "LINES": {"LINE": [{"NO": "20240408170000"}]}, **record}
    with pytest.raises(MessageError) as caught:
        mapping.apply(message, Context())
    assert (place, zh, en) in [(one.source_path, one.zh, one.en) for one in caught.value.faults]


@pytest.mark.parametrize(
    "message", [None, "text", [], ["a"], 5, {"USER_ID": None}, {"BUYER": {"NAME": None}}]
)
def test_no_message_makes_a_traceback(message: Any, load: Loading) -> None:
    mapping = load(BUYER, "LogoutNotice.in.yaml")
    try:
        mapping.apply(message, Context())
    except MessageError as error:
        assert error.faults


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (LAUGHS, "config.too-many"),
        ("fields: &a\n  X: *a\n", "config.alias-cycle"),
        ("[" * 100 + "]" * 100, "config.too-deep"),
        ("x: " + "y" * 1_100_000, "config.too-large"),
        ("message: !!python/object/apply:os.system [id]\n", "mapping.wrong-value"),
        (f"{ACK}fields: {{A: {'trim(' * 200}x{')' * 200}}}\n", "mapping.syntax"),
        (f"{ACK}fields: {{A: '{' & '.join(['x'] * 1500)}'}}\n", "mapping.syntax"),
        (f"{ACK}fields:\n" + "".join(f"  F{n}: x\n" for n in range(6000)), "mapping.too-large"),
    ],
    ids=["laughs", "cycle", "deep", "large", "python", "brackets", "long", "many"],
)
def test_a_file_cannot_exhaust_the_reader(text: str, code: str, tmp_path: Path, standard: Standard) -> None:
    path = tmp_path / "CommonAck.in.yaml"
    path.write_text(text, encoding="utf-8")
    started = time.process_time()
    with pytest.raises(ConfigError) as caught:
        load_mapping(path, standard)
    assert code in {one.code for one in caught.value.findings}
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    "expression",
    [
        'open("/etc/passwd")',
        '__import__("os")',
        "env/HOME",
        'eval("1")',
        "A.__class__",
        "lambda: 1",
        "A[B]()",
    ],
)
def test_an_expression_has_no_words_for_files_network_or_python(expression: str, check: Checking) -> None:
    text = f"{ACK}fields:\n{ACK_FIELDS}  AddWord: '{expression}'\n"
    checked = check(text, "CommonAck.in.yaml")
    if checked.plan is not None:  # then it is a path of the message, and no more
        assert expression in ("env/HOME", "A.__class__")


@pytest.mark.parametrize("name", ["../../../../../../etc/passwd", "/etc/passwd", "file:///etc/passwd"])
def test_a_schema_or_fragment_from_elsewhere_is_not_read(name: str, standard: Standard) -> None:
    text = ACK + f"schema: {name}\nuse: {name}\nfields:\n{ACK_FIELDS}"
    found = check_text(text, FOLDER / "CommonAck.in.yaml", standard).findings
    assert {one.code for one in found} == {"mapping.unknown-schema", "mapping.fragment"}
