"""The house: a module imports only from floors below its own; one library, one door (docs/architecture.md)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS: dict[str, int] = {
    **dict.fromkeys(("errors", "message", "clock", "failpoints"), 0),
    **dict.fromkeys(
        (
            "xmltree",
            "registry",
            "configfile",
            "merkle",
            "schedule",
            "collector",
            "digests",
            "secretrefs",
            "families",
            "measures",
            "repeating",
            "tracing",
            "hashing",
        ),
        1,
    ),
    **dict.fromkeys(
        (
            "standard",
            "formats",
            "mapping",
            "security",
            "payments",
            "invoices",
            "operating",
            "alarmrules",
            "alarmfile",
            "rights",
            "routing",
            "connectorsettings",
            "logins",
            "settingparts",
            "seat",
            "settings",
        ),
        2,
    ),
    **dict.fromkeys(("store", "connectors", "evidence", "client"), 3),
    **dict.fromkeys(
        (
            "intake",
            "delivery",
            "arrivals",
            "attached",
            "headshape",
            "refusals",
            "replies",
            "notices",
            "accounts",
            "tokens",
            "wordkeeper",
            "answers",
            "polling",
            "receiving",
            "dropped",
            "queued",
            "turns",
            "translate",
            "codetables",
            "inbox",
            "keyring",
            "outcomes",
            "steering",
            "pressure",
            "receiptwatch",
            "alarmwatch",
            "notifying",
            "parked",
            "ownmessages",
            "parts",
            "reconciling",
            "keeping",
            "deadletters",
            "reloading",
            "standing",
            "mappingtrial",
        ),
        4,
    ),
    **dict.fromkeys(("endpoints", "console", "sandbox"), 5),
    **dict.fromkeys(("app", "pollers", "server", "cli", "bench", "selftest", "torture", "__main__"), 6),
}
# Arrows that exist within a floor, and no others.
ARROWS = {
    ("errors", "message"),
    ("message", "errors"),
    ("clock", "errors"),
    ("mapping", "standard"),
    ("mapping", "formats"),
    ("standard", "security"),
    ("payments", "standard"),
    ("invoices", "standard"),
    ("payments", "rights"),
    ("invoices", "security"),
    ("evidence", "store"),
    ("routing", "payments"),
    ("routing", "settings"),
    ("settings", "payments"),
    ("settings", "settingparts"),
    ("settings", "connectorsettings"),
    ("connectorsettings", "settingparts"),
    ("logins", "settings"),
    ("settings", "operating"),
    ("settings", "alarmfile"),
    ("settings", "alarmrules"),
    ("alarmfile", "alarmrules"),
    ("alarmfile", "settingparts"),
    ("seat", "settings"),
    ("intake", "arrivals"),
    ("intake", "replies"),
    ("intake", "translate"),
    ("arrivals", "translate"),
    ("arrivals", "headshape"),
    ("arrivals", "attached"),
    ("replies", "refusals"),
    ("replies", "translate"),
    ("polling", "refusals"),
    ("receiving", "intake"),
    ("receiving", "replies"),
    ("dropped", "receiving"),
    ("dropped", "turns"),
    ("queued", "turns"),
    ("queued", "receiving"),
    ("notices", "arrivals"),
    ("delivery", "outcomes"),
    ("delivery", "steering"),
    ("inbox", "outcomes"),
    ("delivery", "translate"),
    ("intake", "pressure"),
    ("arrivals", "pressure"),
    ("arrivals", "receiptwatch"),
    ("tokens", "accounts"),
    ("notices", "receiptwatch"),
    ("parked", "arrivals"),
    ("parked", "translate"),
    ("deadletters", "arrivals"),
    ("reloading", "translate"),
    ("mappingtrial", "translate"),
    ("deadletters", "notices"),
    ("codetables", "translate"),
    ("ownmessages", "arrivals"),
    ("notices", "ownmessages"),
    ("reconciling", "arrivals"),
    ("reconciling", "ownmessages"),
    ("polling", "arrivals"),
    ("polling", "translate"),
    ("polling", "turns"),
    ("cli", "app"),
    ("cli", "server"),
    ("app", "server"),
    ("app", "pollers"),
    ("cli", "bench"),
    ("cli", "selftest"),
    ("cli", "torture"),
    ("bench", "torture"),
    ("__main__", "cli"),
}
# The sandbox's platforms stand for strangers: they know the gateway's wire, never its inside.
SANDBOX_MAY = {
    "digests",
    "client",
    "formats",
    "standard",
    "security",
    "errors",
    "message",
    "clock",
    "schedule",
    "xmltree",
    "registry",
    "sandbox",
}
DOORS = {
    "asyncssh": {"connectors"},
    "aio_pika": {"connectors"},
    "aiormq": {"connectors"},
    # bench calls the bare primitives: that is what it measures against.
    "opentelemetry": {"tracing"},
    "argon2": {"security"},
    "smtplib": {"notifying"},
    "segno": {"console"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "joserfc": {"security"},
    "cryptography": {"security", "bench"},
    "xmlsec": {"security"},
    "gmssl_pyx": {"security"},
    "gmssl": {"security"},
    "asn1crypto": {"security"},
    "xmlschema": {"standard", "mapping"},
    "jinja2": {"console"},
    "aiohttp_jinja2": {"console"},
    "yaml": {"configfile"},
    "yamlcore": {"configfile"},
    "lark": {"mapping"},
    "openpyxl": {"mapping"},
    "obstore": {"store"},
    "sqlite3": {"store", "bench"},
    "pypdf": {"invoices"},
    "PIL": {"invoices"},
    "zxingcpp": {"invoices"},
}


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        parts = path.relative_to(ROOT / "gateway").with_suffix("").parts
        if parts[0] != "__init__":
            found.append((parts[0], path))
    return found


def imports(path: Path) -> list[tuple[int, str]]:
    found = []
    package = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.extend((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join((*package[: len(package) - node.level], *([base] if base else [])))
            if base == "gateway":
                found.extend((node.lineno, f"gateway.{alias.name}") for alias in node.names)
            else:
                found.append((node.lineno, base))
    return found


def test_a_module_imports_only_from_floors_below_its_own() -> None:
    wrong = []
    for room, path in modules():
        assert room in FLOORS, f"{room} stands on no floor"
        for line, name in imports(path):
            parts = name.split(".")
            if parts[0] != "gateway" or len(parts) < 2 or parts[1] == room or parts[1].startswith("__"):
                continue
            other = parts[1]
            if FLOORS[other] > FLOORS[room] or (
                FLOORS[other] == FLOORS[room] and (room, other) not in ARROWS
            ):
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {room} → {other}")
    assert not wrong, "\n".join(wrong)


def test_the_sandbox_knows_nothing_of_the_gateways_inside() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for room, path in modules()
        if room == "sandbox"
        for line, name in imports(path)
        if name.startswith("gateway.") and name.split(".")[1] not in SANDBOX_MAY
    ]
    assert not wrong, "\n".join(wrong)


def test_the_torture_shares_nothing_with_the_gateway_but_the_sdk() -> None:
    """What it shares is the SDK, what an SDK is set up with, and the errors that it raises."""
    may = {"client", "security", "errors", "message", "schedule", "torture"}
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for room, path in modules()
        if room == "torture"
        for line, name in imports(path)
        if name.startswith("gateway.") and name.split(".")[1] not in may
    ]
    assert not wrong, "\n".join(wrong)


def test_one_library_has_one_door() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name} belongs behind {DOORS[name.split('.')[0]]}"
        for room, path in modules()
        for line, name in imports(path)
        if name.split(".")[0] in DOORS and room not in DOORS[name.split(".")[0]]
    ]
    assert not wrong, "\n".join(wrong)


def test_the_self_test_shares_nothing_with_the_validator_but_the_question() -> None:
    """The mutator must not learn from what it tests: `run.py` alone asks it; YAML is read by its one door."""
    known = {"gateway", "gateway.selftest", "gateway.configfile"}
    wrong = [
        f"{path.name}:{line}: {name}"
        for room, path in modules()
        if room == "selftest" and path.name != "run.py"
        for line, name in imports(path)
        if name.startswith("gateway") and name not in known and not name.startswith("gateway.selftest.")
    ]
    assert not wrong, "\n".join(wrong)


def test_no_file_is_longer_than_400_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {count} lines"
        for _, path in modules()
        if (count := path.read_text(encoding="utf-8").count("\n")) > 400
    ]
    assert not long, "\n".join(long)


def test_no_platform_is_named_in_the_code() -> None:
    """A new platform is configuration, mappings and keys. Who stands for platforms (sandbox), measures with them, or makes samples
    names them."""
    makes_up = {"sandbox", "bench", "torture", "selftest"}
    ids = re.compile("|".join(re.findall(r"(?m)^id: *(\S+)", "\n".join(_platforms()))))
    assert len(_platforms()) >= 5 and ids.search("GGZY-ZPT")
    named = [
        f"{path.relative_to(ROOT)}:{number}"
        for room, path in modules()
        if room not in makes_up and not path.is_relative_to(ROOT / "gateway/standard/sampling")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if ids.search(line)
    ]
    # The example of a docstring, and the head that fuzzed messages begin with.
    assert {one.rpartition(":")[0] for one in named} <= {
        "gateway/standing.py",
        "gateway/mapping/fuzz/ground.py",
    }


def _platforms() -> list[str]:
    return [path.read_text("utf-8") for path in sorted((ROOT / "config/platforms").glob("*.yaml"))]


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for _, path in modules()
    }
    for _, path in modules():
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        graph[name] = {
            found
            for _, found in imports(path)
            if found in names and found != name and not name.startswith(found + ".")
        }
    seen: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            pytest.fail(" → ".join((*trail[trail.index(name) :], name)))
        if name in seen:
            return
        for following in graph.get(name, ()):
            walk(following, (*trail, name))
        seen.add(name)

    for name in graph:
        walk(name, ())


def test_the_server_starts_without_what_only_tools_need() -> None:
    """Together they are 30 MiB of a server's memory and a third of its start."""
    large = {"alembic", "asyncssh", "mako", "openpyxl", "PIL", "xmlschema"}
    told = subprocess.run(
        [sys.executable, "-c", "import sys, gateway.cli.serve; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    assert not large & set(told.stdout.split())
