import os
import subprocess
import sys
from pathlib import Path

import pytest
from groundup.config import config_path, read_config, save_login
from groundup.problems import LocalProblem

from tests.client.conftest import Command
from tests.client.platform import TOKEN, Platform


def test_arguments_come_before_the_environment_before_the_login(home: Path) -> None:
    save_login("http://saved:1", "saved-token")
    environ = {"GROUNDUP_URL": "http://named:2/", "GROUNDUP_TOKEN": "named-token"}
    assert _read("http://given:3", "given-token", environ) == ("http://given:3", "given-token")
    assert _read(None, None, environ) == ("http://named:2", "named-token")
    assert _read(None, None, {}) == ("http://saved:1", "saved-token")
    assert _read(None, None, {"GROUNDUP_PORT": "9000"}) == ("http://localhost:9000", None)


def _read(url: str | None, token: str | None, environ: dict[str, str]) -> tuple[str, str | None]:
    config = read_config(url, token, environ)
    return config.url, config.token


def test_a_saved_token_goes_to_its_own_server_only(home: Path) -> None:
    save_login("http://saved:1", "saved-token")
    assert read_config("http://other:1", None, {}).token is None


def test_the_admin_token_is_for_this_machine_only(home: Path) -> None:
    folder = home / "elsewhere"
    folder.mkdir()
    (folder / "admin-token").write_text("secret\n")
    environ = {"GROUNDUP_DATA_DIR": str(folder)}
    assert read_config(None, None, environ).token == "secret"
    assert read_config(None, None, environ).url == "http://localhost:8080"
    assert read_config("http://far.example:8080", None, environ).token is None


def test_a_login_is_readable_by_its_owner_only(home: Path) -> None:
    save_login("http://saved:1", 'odd "token" \\ here')
    assert config_path().stat().st_mode & 0o777 == 0o600
    assert read_config(None, None, {}).token == 'odd "token" \\ here'


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://"])
def test_an_address_that_is_none(home: Path, url: str) -> None:
    with pytest.raises(LocalProblem, match="not the address of a server"):
        read_config(url, None, {})


def test_a_damaged_login_is_told_with_its_file(home: Path) -> None:
    config_path().parent.mkdir(parents=True)
    config_path().write_text("url = ")
    with pytest.raises(LocalProblem, match=r"config\.toml"):
        read_config(None, None, {})


def test_login_checks_the_token_before_it_keeps_it(platform: Platform, groundup: Command) -> None:
    refused = groundup("login", "--url", platform.url, "--token", "wrong")
    assert refused.exit_code == 1
    assert refused.stderr.splitlines() == ["groundup: no valid token", "  -> send a token"]
    assert not config_path().exists()
    assert groundup("login", "--url", platform.url, "--token", TOKEN).exit_code == 0
    assert _read(None, None, {}) == (platform.url, TOKEN)


def test_the_installed_command_and_what_it_imports(platform: Platform) -> None:
    """The client is alone on a laptop: nothing of the server is loaded."""
    program = "import sys, groundup.cli; print({'shared', 'services', 'serving'} & {name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert loaded.stdout.strip() == "set()"
    command = Path(sys.executable).parent / "groundup"
    environ = {**os.environ, "GROUNDUP_URL": platform.url, "GROUNDUP_TOKEN": TOKEN}
    done = subprocess.run([command, "run", "show", "run_9"], capture_output=True, text=True, env=environ, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["groundup: there is no run 'run_9'", "  -> GET /api/v1/runs lists them"]
