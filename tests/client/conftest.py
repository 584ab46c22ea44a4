from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from groundup import Client
from groundup.cli import app
from typer.testing import CliRunner

from tests.client.platform import TOKEN, Platform


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person without a login, in an empty folder, with nothing of Groundup in the environment."""
    for name in ("GROUNDUP_URL", "GROUNDUP_TOKEN", "GROUNDUP_PORT", "GROUNDUP_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setattr("groundup.cli_follow.LOOK_SECONDS", 0.02)
    monkeypatch.setattr("groundup.cli_logs.LOOK_SECONDS", 0.02)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def platform(home: Path) -> Iterator[Platform]:
    with Platform().serving() as serving:
        yield serving


@pytest.fixture
def client(platform: Platform) -> Iterator[Client]:
    """Tries again without waiting."""
    with Client(platform.url, TOKEN) as made:
        made.transport.sleep = lambda _seconds: None
        yield made


class Command:
    """The `groundup` command in this process, logged in to the test's server."""

    def __init__(self, platform: Platform) -> None:
        self.env = {"GROUNDUP_URL": platform.url, "GROUNDUP_TOKEN": TOKEN}

    def __call__(self, *words: str, typed: str | None = None, **env: str) -> Any:
        return CliRunner().invoke(app, list(words), env=self.env | env, input=typed)


@pytest.fixture
def groundup(platform: Platform) -> Command:
    return Command(platform)
