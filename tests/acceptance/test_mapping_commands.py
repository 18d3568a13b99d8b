"""`gateway mapping check`, the bench of mappings, and mappings read again while the gateway runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner, Result

from gateway.cli import main
from tests.acceptance.harness import ROOT
from tests.acceptance.running import running


def gateway(root: Path, *words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"GATEWAY_ROOT": str(root)}, catch_exceptions=False)


def test_check_prints_a_line_of_json_a_finding_and_one_at_the_end(copy: Path) -> None:
    path = copy / "mappings" / "construction" / "AwardResultSync.in.yaml"
    path.write_text(path.read_text("utf-8").replace("NoticeName:  ", "NoticeNmae:  ", 1), "utf-8")
    result = gateway(copy, "mapping", "check", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert lines[-1] == {"mappings": 58, "errors": 2, "warnings": 0}
    assert {one["code"] for one in lines[:-1]} == {"mapping.unknown-target", "mapping.missing-target"}
    assert all(one["file"] == str(path) and one["line"] > 1 and one["column"] for one in lines[:-1])


def test_check_of_the_repository_finds_nothing() -> None:
    result = gateway(ROOT, "mapping", "check", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"mappings": 58, "errors": 0, "warnings": 0}


def test_check_fails_where_a_configured_type_has_no_mapping(copy: Path) -> None:
    (copy / "mappings" / "construction" / "ContractSync.in.yaml").unlink()
    result = gateway(copy, "mapping", "check", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout.splitlines()[-1]) == {"mappings": 57, "errors": 1, "warnings": 0}
    assert "type 2003 has no mapping" in result.stdout


def test_check_of_one_file_tells_the_coverage_of_both_sides(copy: Path) -> None:
    path = copy / "mappings" / "treasury" / "PaymentResult.in.yaml"
    result = gateway(copy, "mapping", "check", str(path))
    assert result.exit_code == 0
    assert (
        "PaymentResult.in.yaml: source 112 of 112 fields (100 %), target 18 of 21 fields (85 %)"
        in result.stdout
    )


def test_the_bench_prints_the_figures_of_its_run() -> None:
    result = gateway(ROOT, "bench", "--only", "mapping", "--json")
    figures = json.loads(result.stdout.splitlines()[-1])
    names = ["to_xml_cpu_us", "to_dict_cpu_us", "ratio_to_xslt", "ratio_to_jsonata", "compile_all_ms"]
    assert list(figures) == names
    assert all(value > 0 for value in figures.values())


async def test_mappings_are_read_again_all_new_or_all_old(copy: Path, tmp_path: Path) -> None:
    async with running(tmp_path / "data") as started:
        instance = started.gateway
        instance.settings = replace(instance.settings, root=copy)
        before = instance.translator.mappings
        path = copy / "mappings" / "construction" / "AwardResultSync.in.yaml"
        text = path.read_text("utf-8")
        path.write_text(text.replace("NoticeName:  ", "NoticeNmae:  ", 1), "utf-8")
        assert "mapping.unknown-target" in {one.code for one in await instance.reload_mappings()}
        assert instance.translator.mappings is before
        path.write_text(text + "# changed\n", "utf-8")
        (copy / "mappings" / "construction" / "ContractSync.in.yaml").rename(copy / "kept.yaml")
        assert [one.code for one in await instance.reload_mappings()] == ["config.no-mapping"]
        assert instance.translator.mappings is before
        (copy / "kept.yaml").rename(copy / "mappings" / "construction" / "ContractSync.in.yaml")
        assert await instance.reload_mappings() == ()
        after = instance.translator.mappings
        names = ("construction", "2002", "in")
        assert after.get(*names).version != before.get(*names).version
