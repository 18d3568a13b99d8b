"""What is read by a known skeleton is what the parser reads, and what the parser refuses is not read."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import xmltree
from gateway.errors import MessageError
from gateway.formats import formats
from gateway.formats.elements import field_reader
from gateway.formats.skeletons import MAX_BYTES, MAX_KEPT, Skeletons
from gateway.message import Record

NAMES = st.sampled_from(["A", "B", "C-1", "名称", "d.e", "_f"])
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<&>\ufffe\uffff="), max_size=8
)
# A shape: None for a text, "" for an empty element, a list of (name, shape) for anything else.
SHAPES = st.recursive(
    st.sampled_from([None, None, None, ""]),
    lambda inner: st.lists(st.tuples(NAMES, inner), min_size=1, max_size=5),
    max_leaves=20,
)
BLANKS = st.sampled_from(["", "", "\n  "])
ODD = "<>/&=\"'!?-[]ABab \n\r\t\x00\x1f\u3000\ufffe名"


def write(data: st.DataObject, name: str, shape: Any, blank: str) -> str:
    if shape == "":
        return f"<{name}/>"
    if shape is None:
        return f"<{name}>{data.draw(TEXTS)}</{name}>"
    inner = blank.join(write(data, one, below, blank) for one, below in shape)
    return f"<{name}>{blank}{inner}{blank}</{name}>"


def by_parser(text: bytes) -> tuple[str, Record] | None:
    try:
        root = xmltree.parse(text)
        return root.tag, field_reader(root, text)(root)
    except MessageError:
        return None


def taught(*texts: bytes) -> Skeletons:
    made = Skeletons()
    for text in texts:
        made.learn(made.look(text), text, xmltree.parse(text))
    return made


@settings(max_examples=300, deadline=None)
@given(shape=SHAPES, blank=BLANKS, declared=st.booleans(), data=st.data())
def test_the_third_document_of_a_shape_is_read_as_the_parser_reads_it(
    shape: Any, blank: str, declared: bool, data: st.DataObject
) -> None:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n' if declared else ""
    shape = [("A", None), ("Z", shape), ("A", None)]
    first, second, third = (f"{head}{write(data, 'Root', shape, blank)}".encode() for _ in range(3))
    known = taught(first)
    assert known.look(second).record is None
    known.learn(known.look(second), second, xmltree.parse(second))
    sight = known.look(third)
    assert (sight.root, sight.record) == by_parser(third)


@settings(max_examples=60, deadline=None)
@given(shape=SHAPES, blank=BLANKS, seed=st.integers(0, 2**32), data=st.data())
def test_a_damaged_document_is_read_as_the_parser_reads_it_or_not_at_all(
    shape: Any, blank: str, seed: int, data: st.DataObject
) -> None:
    text = write(data, "Root", [("A", None), ("Z", shape), ("A", None)], blank)
    known, chance = taught(text.encode(), text.encode()), random.Random(seed)
    assert known.look(text.encode()).record is not None
    for _ in range(100):
        broken = text
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(broken) + 1)
            broken = broken[:at] + chance.choice(["", *ODD]) + broken[at + chance.randint(0, 1) :]
        sight = known.look(broken.encode())
        assert sight.record is None or (sight.root, sight.record) == by_parser(broken.encode()), broken


TWO = b"<R><A>1</A><B>2</B></R>"


@pytest.mark.parametrize(
    "text",
    [
        b"<R><A<1>/A><B>2</B></R>",  # the same pieces, cut by other signs
        b"<R><A>1</A><B>2</B></R> x",
        b"x<R><A>1</A><B>2</B></R>",
        b"<R><A>1</A> x<B>2</B></R>",
        b"<R><A>\xff</A><B>2</B></R>",
        b"<R><A>\x01</A><B>2</B></R>",
        "<R><A>\uffff</A><B>2</B></R>".encode(),
        b"<R><A>&lt;</A><B>2</B></R>",
        b"<R><A>1\r\n</A><B>2</B></R>",
        b"<R><A>]]></A><B>2</B></R>",
        b"<R><A>1</A><B b='1'>2</B></R>",
        b"<R><A><!--1--></A><B>2</B></R>",
        b"<R><A>1</A><B><![CDATA[2]]></B></R>",
        b"<?xml version='1.0' encoding='GBK'?><R><A>1</A><B>2</B></R>",
        b"<R><A>1</A><B>" + b"2" * MAX_BYTES + b"</B></R>",
    ],
)
def test_what_is_not_the_skeleton_with_other_texts_is_the_parsers(text: bytes) -> None:
    known = taught(TWO, TWO)
    assert known.look(TWO.replace(b"1", b"\xe4\xb8\x80")).record == {"A": "一", "B": "2"}
    assert known.look(text).record is None


def test_so_many_skeletons_are_kept_and_no_more() -> None:
    texts = [f"<R><A{n}>1</A{n}><B>2</B></R>".encode() for n in range(MAX_KEPT + 1)]
    known = taught(*(one for text in texts for one in (text, text)))
    assert known.look(texts[0]).record is None
    assert all(known.look(text).record is not None for text in texts[1:])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("xml", "<Message><Head><MsgId>m</MsgId></Head><ROW><A>{}</A><B>2</B></ROW></Message>"),
        ("xml", "<Message><Head><Wrong>m</Wrong></Head><ROW><A>{}</A><B>2</B></ROW></Message>"),
        ("xml", "<Message><ROW><A>{}</A><B>2</B></ROW><ROW><A>3</A></ROW></Message>"),
        ("xml", "<ROW><A>{}</A><B>2</B></ROW>"),
        ("des", "<DES><TITLE><CA_KEY>1</CA_KEY></TITLE>\n<CONTEXT><A>{}</A></CONTEXT></DES>"),
        ("des", "<DES><TITLE><A>{}</A></TITLE><CONTEXT><A>1</A></CONTEXT><OTHER><A>1</A></OTHER></DES>"),
    ],
)
def test_a_format_says_the_same_of_the_first_document_and_of_the_third(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("des", "xml"):
        monkeypatch.setattr(f"gateway.formats.{module}.skeletons", Skeletons())
    said = [_said(name, text.format("一").encode()) for _ in range(3)]
    assert said[0] == said[1] == said[2]


def _said(name: str, data: bytes) -> Any:
    try:
        return formats.get(name).decode(data)
    except MessageError as error:
        return error.faults
