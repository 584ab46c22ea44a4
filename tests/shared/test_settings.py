from pathlib import Path

import pytest

from shared.errors import EnvironmentFault
from shared.settings import Settings, host_name, secret

SECRETS = {"GROUNDUP_GATEWAY_SECRET": "a", "GROUNDUP_JOIN_SECRET": "b"}


@pytest.mark.parametrize(
    ("host", "name"), [("LocalHost:8080", "localhost"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("10.0.0.1", "10.0.0.1")]
)
def test_host_name_drops_the_port(host: str, name: str) -> None:
    assert host_name(host) == name


def test_the_public_address_is_an_allowed_host() -> None:
    settings = Settings.read({**SECRETS, "GROUNDUP_PUBLIC_URL": "https://train.example.org:8443"})
    assert settings.allowed_hosts == {"localhost", "127.0.0.1", "[::1]", "train.example.org"}


def test_a_missing_secret_says_how_to_set_it() -> None:
    with pytest.raises(EnvironmentFault, match="GROUNDUP_JOIN_SECRET") as raised:
        Settings.read({"GROUNDUP_GATEWAY_SECRET": "a"})
    assert "_FILE" in raised.value.remedy


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("hidden\n")
    assert secret({"X_FILE": str(tmp_path / "s")}, "X") == "hidden"


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_empty_secret_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "s").write_text(content)
    for environ in ({"X_FILE": str(tmp_path / "s")}, {"X": content}):
        with pytest.raises(EnvironmentFault):
            secret(environ, "X")
