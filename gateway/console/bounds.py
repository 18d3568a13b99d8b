"""What cases are bounded by: authorities, divisions and project kinds that the configuration knows, with names."""

from __future__ import annotations

from gateway.console.world import ConsoleWorld


def known_bounds(world: ConsoleWorld, language: str = "zh") -> dict[str, list[tuple[str, str]]]:
    """`authority`, `division`, `kind`: (code, name), by code."""
    settings = world.settings
    divisions = {row.adm_div for row in settings.coverage.rows}
    authorities = {row.code: row.name for row in settings.authorities.rows}
    kinds = {row.project_kind for row in settings.coverage.rows}
    return {
        "authority": sorted(authorities.items()),
        "division": [(code, code_name(world, "region", code, language)) for code in sorted(divisions)],
        "kind": [(code, code_name(world, "project-kind", code, language)) for code in sorted(kinds)],
    }


def code_name(world: ConsoleWorld, table: str, code: str, language: str = "zh") -> str:
    """The name of a code; the code itself where the table does not have it."""
    row = world.translator.standard.codes.get(table).rows.get(code)
    if row is None:
        return code
    return str(row.name_zh if language == "zh" else row.name_en or row.name_zh)
