"""From a workbook to schemas and drafts: each proposal with its confidence, nothing guessed in silence."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from lxml import etree

from gateway.cli import main
from gateway.errors import ConfigError
from gateway.mapping import check_file
from gateway.mapping.draft.make import Made, Wish, make
from gateway.mapping.schema import Shelf
from gateway.standard import Standard
from tests.unit.mapping.draft.books import HEADING, PROJECT, Rows, book


def made_of(tmp_path: Path, standard: Standard, sheets: dict[str, Rows], **wish: str | bool) -> Made:
    source = tmp_path / "fields.xlsx"
    source.write_bytes(book(sheets))
    return make(source, tmp_path / "out", Wish(**{"profile": "p", **wish}), standard)  # type: ignore[arg-type]


def test_a_table_becomes_a_schema_that_compiles_and_a_draft(tmp_path: Path, standard: Standard) -> None:
    made = made_of(tmp_path, standard, {"500": [["项目（PROJECT）"], *PROJECT]})
    (schema,) = made.schemas
    assert schema.relative_to(tmp_path).as_posix() == "out/schemas/platforms/p/500-PROJECT.xsd"
    etree.XMLSchema(etree.parse(str(schema)))
    tree = Shelf(tmp_path / "out" / "schemas").get("platforms/p/500-PROJECT.xsd")
    assert (tree.name, len(tree.children)) == ("PROJECT", 15)
    ((path, draft),) = made.drafts
    assert path == tmp_path / "out" / "mappings" / "p" / "ProjectSync.in.yaml"
    assert draft.kind.confidence > 0.55


def test_the_draft_passes_the_checker_but_for_what_a_person_must_give(
    tmp_path: Path, standard: Standard
) -> None:
    made = made_of(tmp_path, standard, {"500": [["项目（PROJECT）"], *PROJECT]})
    path, draft = made.drafts[0]
    errors = [one for one in check_file(path, standard).findings if one.severity == "error"]
    assert {one.code for one in errors} == {"mapping.missing-target"}
    for one in errors:
        name = one.text.split()[3].rstrip(",")
        assert any(decision.startswith(f"{name} ") for decision in draft.decisions), one.text
    assert "OWN_ITEM (自定义项) is not used: map it, or list it under ignored:" in draft.decisions


def test_every_line_says_how_sure_it_is(tmp_path: Path, standard: Standard) -> None:
    text = made_of(tmp_path, standard, {"500": [["项目（PROJECT）"], *PROJECT]}).drafts[0][1].text
    lines = [line for line in text.splitlines() if line.startswith("  ") and not line.strip().startswith("#")]
    assert len(lines) >= 12
    for line in lines:
        confidence = float(line.partition("# ")[2].split()[0])
        assert 0.75 <= confidence <= 1.0, line
    assert '  CreateTime: CREATE_TIME | datetime("yyyy-MM-dd HH:mm:ss")' in text.replace("'", "")
    assert "Address: ADDRESS | fit(" in text, "a longer source is refused, not cut in silence"


def test_a_weak_likeness_is_offered_and_not_taken(tmp_path: Path, standard: Standard) -> None:
    rows = [*(row for row in PROJECT if row[1] != "FUND_SOURCE"), ["资金来源说明", "FUND_ORIGIN", "字符型", "C..1000", "", "是", "", ""]]  # fmt: skip
    text = made_of(tmp_path, standard, {"500": [["项目（PROJECT）"], *rows]}).drafts[0][1].text
    (line,) = [line for line in text.splitlines() if "FundSource" in line]
    assert line.strip().startswith("# ")
    assert "DECIDE" in text.splitlines()[text.splitlines().index(line) - 1] or "DECIDE" in line


def test_a_table_that_fits_no_type_gets_a_schema_and_no_draft(tmp_path: Path, standard: Standard) -> None:
    rows = [HEADING, ["药品名称", "DRUG", "字符型", "C..50", "", "是", "", ""], ["剂型", "FORM", "字符型", "C..50", "", "是", "", ""]]  # fmt: skip
    made = made_of(tmp_path, standard, {"药品": rows})
    assert (len(made.schemas), made.drafts) == (1, [])
    assert "no message type fits well enough" in (tmp_path / "out" / "decisions.md").read_text(
        encoding="utf-8"
    )


def test_one_field_that_fits_makes_no_proposal(tmp_path: Path, standard: Standard) -> None:
    rows = [HEADING, ["时间", "TIME", "日期时间型", "yyyyMMddHHmmss", "", "是", "", ""]]
    made = made_of(tmp_path, standard, {"x": rows})
    assert made.drafts == []


def test_the_type_may_be_named(tmp_path: Path, standard: Standard) -> None:
    rows = [HEADING, ["用户标识", "USER_ID", "字符型", "C..50", "", "是", "", ""]]
    made = made_of(tmp_path, standard, {"x": rows}, message="LogoutNotice")
    ((path, draft),) = made.drafts
    assert path.name == "LogoutNotice.in.yaml"
    assert "UserId: USER_ID" in draft.text
    with pytest.raises(ConfigError, match="unknown message type"):
        made_of(tmp_path, standard, {"x": rows}, message="Nonsense")
    with pytest.raises(ConfigError, match="no field table 9"):
        made_of(tmp_path, standard, {"x": rows}, table="9")


def test_what_a_person_has_worked_on_is_not_written_over(tmp_path: Path, standard: Standard) -> None:
    made = made_of(tmp_path, standard, {"500": [["项目（PROJECT）"], *PROJECT]})
    path = made.drafts[0][0]
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="stands there already"):
        made_of(tmp_path, standard, {"500": [["项目（PROJECT）"], *PROJECT]})
    assert path.read_text(encoding="utf-8") == "mine"
    made_of(tmp_path, standard, {"500": [["项目（PROJECT）"], *PROJECT]}, force=True)
    assert path.read_text(encoding="utf-8") != "mine"


@pytest.mark.parametrize("evil", ["</xs:schema>", "<!-- x -- y -->", "&amp;&", "\"'><x/>", "]]>", "a: b # c"])
def test_a_cells_text_cannot_become_markup(tmp_path: Path, standard: Standard, evil: str) -> None:
    rows = [
        [evil],
        HEADING,
        [evil, "A", "字符型", "C..5", evil, "是", evil, evil],
        ["名", "B", evil, evil, "", "是", "", ""],
    ]
    made = made_of(tmp_path, standard, {"x": rows}, message="LogoutNotice")
    assert (made.broken, len(made.schemas)) == ([], 1)
    codes = {one.code for one in made.drafts[0][1].findings}
    assert codes <= {"mapping.missing-target", "mapping.missing-key", "mapping.unused-source"}


def test_the_command_ends_with_its_figures(tmp_path: Path) -> None:
    source = tmp_path / "fields.xlsx"
    source.write_bytes(book({"封面": [["某省"]], "500": [["项目（PROJECT）"], *PROJECT]}))
    found = CliRunner().invoke(
        main, ["mapping", "new", "--from", str(source), "--out", str(tmp_path / "out"), "--json"]
    )
    assert found.exit_code == 0, found.output
    assert orjson.loads(found.output.splitlines()[-1]) == {
        "sheets": 2, "field_tables": 1, "schemas_compiled": 1, "fields": 15, "unrecognised": 1,
    }  # fmt: skip
    assert "ProjectSync (confidence 0." in found.output


def test_a_workbook_without_a_field_table_says_so(tmp_path: Path) -> None:
    source = tmp_path / "fields.xlsx"
    source.write_bytes(book({"封面": [["某省"]]}))
    found = CliRunner().invoke(
        main, ["mapping", "new", "--from", str(source), "--out", str(tmp_path / "out"), "--json"]
    )
    assert found.exit_code == 1
    assert orjson.loads(found.output.splitlines()[-1])["unrecognised"] == 1
