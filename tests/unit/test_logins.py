"""What the gateway logs in with is read once, and everything that cannot be read is told without being shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.connectorsettings import ConnectorSettings, LoginSettings
from gateway.errors import ConfigError
from gateway.logins import Login, load_logins
from gateway.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]


def with_login(**login: str) -> Settings:
    settings = load_settings(ROOT, environ={})
    own = ConnectorSettings(kind="sftp", url="sftp://u@h/x", login=LoginSettings(**login))
    platform = settings.platforms["GGZY-JSGC"].model_copy(update={"connector": own})
    return replace(settings, platforms={**settings.platforms, platform.id: platform})


def test_secrets_come_from_files_and_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "known").write_text("host ssh-ed25519 AAAA\n")
    found = load_logins(with_login(known_hosts=str(tmp_path / "known"), password="env:P"), {"P": "s3cret"})
    assert found["GGZY-JSGC"] == Login(password="s3cret", known_hosts="host ssh-ed25519 AAAA")
    assert found["GGZY-ZPT"] == Login() and "s3cret" not in repr(found)


def test_all_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError) as caught:
        load_logins(
            with_login(
                known_hosts=str(tmp_path / "none"), password="env:P", key=f"file:{tmp_path / 'empty'}"
            ),
            {},
        )
    assert {one.field for one in caught.value.findings} == {
        "connector.login.known_hosts", "connector.login.password", "connector.login.key",
    }  # fmt: skip
