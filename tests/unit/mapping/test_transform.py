"""An XSLT 1.0 file in place of fields: it maps, and it can do nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigError, MessageError
from gateway.mapping import Context, Mapping, check_text, load_mapping
from gateway.mapping.schema import Shelf
from gateway.standard import Standard
from tests.unit.mapping.conftest import HERE

HEAD = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"{more}>{body}</xsl:stylesheet>'
GOOD = """
<xsl:param name="head.MsgNo"/>
<xsl:template match="/notice">
  <LogoutNotice>
    <UserId><xsl:value-of select="USER_ID"/></UserId>
    <SessionId><xsl:value-of select="concat(SESSION_ID, $head.MsgNo)"/></SessionId>
    <Action><xsl:value-of select="ACTION"/></Action>
    <xsl:apply-templates select="ACTION_TIME"/>
  </LogoutNotice>
</xsl:template>
<xsl:template match="ACTION_TIME"><ActionTime><xsl:value-of select="translate(., '-: ', '')"/></ActionTime></xsl:template>
"""
YAML = """\
message: LogoutNotice
direction: in
format: xml
schema: platforms/test/notice.xsd
root: notice
version: 1
transform: notice.xsl
"""
MESSAGE = {"USER_ID": "u", "SESSION_ID": "s<&", "ACTION": "1", "ACTION_TIME": "2024-04-08 17:00:00"}


def load(folder: Path, standard: Standard, body: str, more: str = "", yaml: str = YAML) -> Mapping:
    (folder / "notice.xsl").write_text(HEAD.format(body=body, more=more), encoding="utf-8")
    path = folder / "LogoutNotice.in.yaml"
    path.write_text(yaml, encoding="utf-8")
    return Mapping(path, check_text(yaml, path, standard, Shelf(HERE / "schemas")))


def test_a_stylesheet_maps_with_the_head_as_parameters(tmp_path: Path, standard: Standard) -> None:
    mapping = load(tmp_path, standard, GOOD)
    found = mapping.apply(MESSAGE, Context({"MsgNo": "1003"}))
    assert found == {"UserId": "u", "SessionId": "s<&1003", "Action": "1", "ActionTime": "20240408170000"}
    assert mapping.trace(MESSAGE, Context({"MsgNo": "1003"})).record == found


def test_its_version_follows_the_stylesheet(tmp_path: Path, standard: Standard) -> None:
    assert load(tmp_path, standard, GOOD).version != load(tmp_path, standard, GOOD + "\n").version


@pytest.mark.parametrize(
    ("old", "new", "code", "path"),
    [
        ("<UserId>", "<UserName/><UserId>", "mapping.unknown-target", "UserName"),
        ('<Action><xsl:value-of select="ACTION"/></Action>', "", "mapping.missing-value", "Action"),
        ("select=\"translate(., '-: ', '')\"", 'select="."', "mapping.bad-value", "ActionTime"),
        ("<UserId>", "<UserId>x</UserId><UserId>", "mapping.too-many", "UserId"),
        ('select="ACTION"', 'select="1 div USER_ID"', "mapping.bad-value", "Action"),
        ('match="/notice"', 'match="/other"', "mapping", ""),
    ],
)
def test_what_the_target_does_not_allow_is_refused(
    old: str, new: str, code: str, path: str, tmp_path: Path, standard: Standard
) -> None:
    assert old in GOOD
    with pytest.raises(MessageError) as caught:
        load(tmp_path, standard, GOOD.replace(old, new)).apply(MESSAGE, Context())
    assert (code, path) in [(one.code, one.path) for one in caught.value.faults] or code == "mapping"


@pytest.mark.parametrize(
    ("body", "more", "says"),
    [
        ('<xsl:import href="other.xsl"/>', "", "xsl:import is not allowed"),
        ('<xsl:include href="/etc/passwd"/>', "", "xsl:include is not allowed"),
        (GOOD.replace('select="ACTION"', "select=\"document('/etc/passwd')\""), "", "calls what is not allowed"),
        (GOOD.replace('select="ACTION"', 'select="py:run(.)"'), ' xmlns:py="urn:py"', "calls what is not allowed"),
        (GOOD, ' xmlns:e="http://exslt.org/common" extension-element-prefixes="e"', "extensions are not allowed"),
        (GOOD.replace('select="ACTION_TIME"', 'select="/"'), "", "downwards only"),
        (GOOD.replace('select="ACTION_TIME"', 'select="."'), "", "downwards only"),
        ('<xsl:template name="a"><xsl:call-template name="b"/></xsl:template>'
         '<xsl:template name="b"><xsl:call-template name="a"/></xsl:template>', "", "calls itself"),
        (GOOD.replace("xsl:value-of", "xsl:valueof"), "", "no xsl:valueof; did you mean value-of"),
        ("<xsl:template match='['/>", "", "not a stylesheet"),
        ("<xsl:template>", "", "not well-formed"),
    ],
)  # fmt: skip
def test_a_stylesheet_that_could_do_more_is_not_loaded(
    body: str, more: str, says: str, tmp_path: Path, standard: Standard
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load(tmp_path, standard, body, more)
    assert [(one.code, one.line) for one in caught.value.findings] == [("mapping.transform", 7)]


def test_a_stylesheet_reads_no_file_even_if_it_slips_through(tmp_path: Path, standard: Standard) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<x>secret</x>", encoding="utf-8")
    body = GOOD.replace('select="USER_ID"', f"select=\"document ('{secret}')\"")
    with pytest.raises(ConfigError, match="not allowed"):
        load(tmp_path, standard, body)


@pytest.mark.parametrize(
    ("yaml", "code", "line"),
    [
        (YAML.replace("notice.xsl", "../notice.xsl"), "mapping.transform", 7),
        (YAML.replace("notice.xsl", "none.xsl"), "mapping.transform", 7),
        (YAML + "fields: {UserId: USER_ID}\n", "mapping.transform", 8),
    ],
)
def test_the_stylesheet_stands_beside_and_alone(
    yaml: str, code: str, line: int, tmp_path: Path, standard: Standard
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, standard, GOOD, yaml=yaml)
    assert (code, line) in [(one.code, one.line) for one in caught.value.findings]


def test_a_mapping_without_fields_or_stylesheet_is_none(tmp_path: Path, standard: Standard) -> None:
    path = tmp_path / "LogoutNotice.in.yaml"
    path.write_text(YAML.replace("transform: notice.xsl\n", ""), encoding="utf-8")
    with pytest.raises(ConfigError, match="expected fields"):
        load_mapping(path, standard)
