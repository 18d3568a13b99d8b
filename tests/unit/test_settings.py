"""The configuration: the repository's own is right, and what is wrong is named with its place."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.settings import load_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path


def findings(root: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(root, environ={})
    return [str(finding).replace(str(root) + "/", "") for finding in caught.value.findings]


def change(root: Path, name: str, old: str, new: str) -> None:
    path = root / "config" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_repositorys_own_configuration_is_right() -> None:
    settings = load_settings(ROOT, environ={})
    assert set(settings.platforms) == {
        "GGZY-ZPT",
        "GGZY-JSGC",
        "GGZY-ZFCG",
        "CZ-ZFPT-310000",
        "CZ-ZFPT-310115",
    }


def test_the_environment_overrides_scalars_and_urls(copy: Path) -> None:
    environ = {
        "GATEWAY_PORT": "0",
        "GATEWAY_DATA_DIR": "/tmp/x",
        "GATEWAY_URL_GGZY_ZPT": "http://127.0.0.1:1/{type}",
    }
    settings = load_settings(copy, environ=environ)
    assert (settings.gateway.port, str(settings.data_dir)) == (0, "/tmp/x")
    assert settings.platforms["GGZY-ZPT"].connector.url == "http://127.0.0.1:1/{type}"


def test_every_finding_of_every_file_is_listed_with_its_line(copy: Path) -> None:
    change(copy, "gateway.yaml", "lease_s: 60", "lease_s: sixty")
    change(
        copy,
        "routes.yaml",
        "sender: GGZY-ZPT, to: [subs, treasuries]",
        "sender: GGZY-ZTP, to: [subs, tresuries]",
    )
    change(copy, "coverage.yaml", "treasury: CZ-ZFPT-310115", "treasury: CZ-ZFPT-31011")
    change(copy, "platforms/general.yaml", "suite: jose", "suit: jose")
    found = findings(copy)
    text = (copy / "config" / "gateway.yaml").read_text(encoding="utf-8")
    place = 1 + next(number for number, line in enumerate(text.splitlines()) if line.startswith("lease_s"))
    assert any(line.startswith(f"config/gateway.yaml:{place}:") and "lease_s" in line for line in found)
    assert any("GGZY-ZTP" in line and "did you mean GGZY-ZPT" in line for line in found)
    assert any("tresuries" in line and "did you mean treasuries" in line for line in found)
    assert any("CZ-ZFPT-31011'" in line and "config/coverage.yaml" in line for line in found)
    assert any("suit" in line and "did you mean suite" in line for line in found)
    assert all(":" in line.split(" ")[0] for line in found)


def test_a_route_to_who_does_not_receive_the_type_is_a_finding(copy: Path) -> None:
    change(copy, "routes.yaml", '{type: "2001", to: [general]}', '{type: "2001", to: [GGZY-JSGC]}')
    assert any("does not receive 2001" in line for line in findings(copy))


def test_a_platform_defined_twice_is_a_finding(copy: Path) -> None:
    shutil.copy(copy / "config/platforms/general.yaml", copy / "config/platforms/again.yaml")
    assert any("defined twice" in line for line in findings(copy))


def test_a_word_like_no_stays_a_word(copy: Path) -> None:
    change(copy, "platforms/general.yaml", "name_en: General platform", "name_en: NO")
    assert load_settings(copy, environ={}).platforms["GGZY-ZPT"].name_en == "NO"


def test_a_covered_division_needs_an_authority(copy: Path) -> None:
    change(copy, "gateway.yaml", '{adm_div: "310115", code: 11310115T', '{adm_div: "310118", code: 11310115T')
    (finding,) = findings(copy)
    assert finding.startswith("config/coverage.yaml:6:") and "310115" in finding and "no-authority" in finding


def test_an_authority_may_be_for_a_tenderer_and_for_a_time(copy: Path) -> None:
    row = '  - {tenderer: 12310000425010220N, adm_div: "310000", code: 11310000T03101019L, name: 甲, since: 2026-01-01}'
    change(copy, "gateway.yaml", "authorities:\n", f"authorities:\n{row}\n")
    found = load_settings(copy, environ={}).authorities
    own, before = (found.find("12310000425010220N", "310000", date(year, 6, 1)) for year in (2026, 2025))
    assert own is not None and own.name == "甲" and before is not None and before.name != "甲"


def test_the_calendar_is_read_and_its_findings_have_lines(copy: Path) -> None:
    assert not load_settings(copy, environ={}).calendar.is_working_day(date(2026, 10, 1))
    change(copy, "calendar.yaml", "2026-10-07", "2026-13-07")
    (finding,) = findings(copy)
    assert finding.startswith("config/calendar.yaml:13:")


@pytest.mark.parametrize(
    ("connector", "text"),
    [
        ("{kind: file, url: 'http://x/'}", "begins with file://"),
        ("{kind: file, url: 'file://host/x'}", "file:///ABSOLUTE/FOLDER"),
        ("{kind: file, url: 'file:///x', drop: {deliver_to: a, take_from: a/b}}", "folders apart"),
        ("{kind: file, url: 'file:///x', drop: {take_from: ../b}}", "should match pattern"),
        ("{kind: file, url: 'file:///x', drop: {takefrom: b}}", "did you mean take_from?"),
        ("{kind: http, url: 'http://x/', drop: {take_from: b}}", "`drop` is not for it"),
        ("{kind: file, url: 'file:///x', timeouts_s: {'3001': 5}}", "`timeouts_s` is not for it"),
        ("{kind: http, url: 'http://x/', timeouts_s: {'3001': 0}}", "greater than 0"),
        ("{kind: http, url: 'http://x/', login: {key: 'env:K'}}", "`login` is not for it"),
        ("{kind: sftp, url: 'sftp://u@h/x', login: {key: 'env:K'}}", "known_hosts"),
        ("{kind: sftp, url: 'sftp://u:secret@h/x', login: {key: 'env:K', known_hosts: k}}", "no password"),
        ("{kind: sftp, url: 'sftp://h/x', login: {key: 'env:K', known_hosts: k}}", "names the user"),
        ("{kind: sftp, url: 'sftp://u@h/x', login: {key: 'env:K', known_hosts: k}}", "there is no file k"),
        ("{kind: amqp, url: 'amqps://u@h/x', login: {password: 'env:P'}}", "with deliver_to"),
        ("{kind: amqp, url: 'amqps://u@h/x', queue: {deliver_to: q}}", "with password"),
        ("{kind: amqp, url: 'amqp://u@h/x', login: {password: 'env:P'}, queue: {deliver_to: q}}", "amqps://"),
        ("{kind: http, url: 'http://x/', queue: {deliver_to: q}}", "`queue` is not for it"),
        ("{kind: sftp, url: 'sftp://u@h/x', login: {password: open, known_hosts: k}}", "match pattern"),
    ],
)
def test_what_is_wrong_with_a_place_of_exchange_is_told_with_its_line(
    copy: Path, connector: str, text: str
) -> None:
    name = "platforms/construction.yaml"
    change(copy, name, '{kind: http, url: "http://127.0.0.1:8462/des/upload", timeout_s: 20}', connector)
    (found,) = findings(copy)
    assert found.startswith(f"config/{name}:11:") and text in found
    assert "secret" not in found and "open" not in found


def test_rules_of_alarms_and_whom_they_are_sent_to_are_held_against_each_other(copy: Path) -> None:
    change(copy, "alarms.yaml", "metric: gateway_parked_messages", "metric: gateway_parked_message")
    change(copy, "alarms.yaml", "name: breaker-open", "name: dead-letters")
    change(copy, "alarms.yaml", "severity: critical", "severity: critical\n    targets: [nobody]")
    told = "\n".join(findings(copy))
    assert (
        "rules.3.metric: cannot be used in the rule parked-messages; did you mean gateway_parked_messages?"
        in told
    )
    assert "the rule dead-letters stands twice" in told and "rules.0.targets" in told


def test_without_the_file_there_are_no_rules_of_alarms(copy: Path) -> None:
    (copy / "config" / "alarms.yaml").unlink()
    assert load_settings(copy, environ={}).alarm_rules == ()


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("targets: {a: {kind: webhook, url: 'http://10.0.0.1/x', secret: 'env:S'}}", "https"),
        ("targets: {a: {kind: webhook, url: 'https://u:p@host/x', secret: 'env:S'}}", "no user"),
        ("targets: {a: {kind: webhook, url: 'https://host/x'}}", "has url and secret"),
        ("targets: {a: {kind: webhook, url: 'https://host/x', secret: 'plain'}}", "match pattern"),
        ("targets: {a: {kind: mail, to: ['a@b.cn']}}", "needs the section mail"),
        ("mail: {host: mail.cn, sender: 'a@b.cn', security: none}", "on this machine only"),
        ("mail: {host: mail.cn, sender: \"a@b.cn\\r\\nBcc: x@y.cn\"}", "no e-mail address"),
        ("mail: {host: mail.cn, sender: 'a@b.cn', user: u}", "stand together"),
        ("targets: {'A b': {kind: webhook, url: 'https://host/x', secret: 'env:S'}}", "lower-case"),
    ],
)  # fmt: skip
def test_a_target_that_is_unsafe_or_unfinished_is_refused(copy: Path, section: str, said: str) -> None:
    change(copy, "gateway.yaml", "stop_s: 20", f"notify: {{{section}}}\nstop_s: 20")
    told = findings(copy)
    assert any(said in one for one in told) and not any("plain" in one for one in told), told
