"""The XML door: what is read, what is refused, and with which code."""

from __future__ import annotations

import pytest

from gateway import xmltree
from gateway.errors import MessageError


def refusal(data: bytes) -> MessageError:
    with pytest.raises(MessageError) as caught:
        xmltree.parse(data)
    return caught.value


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK", "GB18030"])
def test_chinese_is_read_in_its_declared_encoding(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><a>公路养护</a>'
    assert xmltree.parse(text.encode(encoding)).text == "公路养护"


@pytest.mark.parametrize(
    "declaration",
    [
        '<?xml version="1.0" encoding = "GBK"?>',
        "<?xml version='1.0'\nencoding\t=\n'gbk' standalone='yes'?>",
        f'<?xml version="1.0"{" " * 300}encoding="GBK"?>',
    ],
)
def test_a_declaration_may_hold_white_space(declaration: str) -> None:
    """The GBK bytes of this character are UTF-8 of another one: they must not be read as that."""
    assert xmltree.parse(f"{declaration}<a>通</a>".encode("gbk")).text == "通"


def test_gb18030_four_byte_characters_are_read() -> None:
    assert xmltree.parse('<?xml version="1.0" encoding="GB18030"?><a>𠀀</a>'.encode("gb18030")).text == "𠀀"


@pytest.mark.parametrize(
    ("data", "code", "result"),
    [
        (b"<a><b></a>", "xml.malformed", "10001"),
        (b"", "xml.malformed", "10001"),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "xml.dtd", "10001"),
        (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "xml.dtd", "10001"),
        (b"<a>" * 60 + b"</a>" * 60, "xml.too-deep", "10001"),
        (b"<a>" + b"<b/>" * (xmltree.MAX_ELEMENTS + 1) + b"</a>", "xml.too-deep", "10001"),
        (b"<a><b " + b" ".join(b'a%d=""' % one for one in range(257)) + b"/></a>", "xml.too-deep", "10001"),
        ('<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"), "xml.encoding", "10004"),
        ('<?xml version="1.0" encoding="KOI8-R"?><a/>'.encode("ascii"), "xml.encoding", "10004"),
        ("<a>公路</a>".encode("gbk"), "xml.encoding", "10004"),
        (b'<?xml version="1.0" encoding="GBK"?><a>\xff\xff</a>', "xml.encoding", "10004"),
    ],
)
def test_what_cannot_be_trusted_is_refused(data: bytes, code: str, result: str) -> None:
    error = refusal(data)
    assert (error.faults[0].code, error.result) == (code, result)


def test_an_element_may_have_as_many_attributes_as_any_platform_writes() -> None:
    some = " ".join(f'a{one}="="' for one in range(xmltree.MAX_ATTRIBUTES))
    assert len(xmltree.parse(f"<a><b {some}/><b {some}/></a>".encode())[0].attrib) == xmltree.MAX_ATTRIBUTES


def test_size_is_bounded_before_parsing() -> None:
    with pytest.raises(MessageError) as caught:
        xmltree.parse(b"<a/>" + b" " * 100, max_bytes=50)
    assert caught.value.result == "10002"


def test_comments_and_instructions_do_not_reach_the_tree() -> None:
    root = xmltree.parse(b"<a><!-- c --><?pi x?><b>1</b></a>")
    assert [child.tag for child in root] == ["b"]


def test_an_undeclared_entity_is_refused() -> None:
    assert refusal(b"<a>&undeclared;</a>").result == "10001"
