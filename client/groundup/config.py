"""Which server, and who is asking: arguments, then the environment, then what `groundup login` wrote, then this machine's own server."""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from groundup.problems import LocalProblem


@dataclass(frozen=True)
class Config:
    """`url_from` and `token_from` say in words where each was found. `data_dir`: of a server on this machine; may not exist."""

    url: str
    token: str | None
    url_from: str
    token_from: str
    data_dir: Path

    @property
    def local(self) -> bool:
        return urlsplit(self.url).hostname in {"localhost", "127.0.0.1", "::1"}


def read_config(url: str | None = None, token: str | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Raises LocalProblem where the URL or the configuration file is not readable as one."""
    environ = os.environ if environ is None else environ  # noqa: TID251  (this is the client's one reading of the environment)
    saved = _read_saved(config_path())
    address, url_from = _find_url(url, environ, saved)
    data_dir = Path(environ.get("GROUNDUP_DATA_DIR") or "data")
    found = Config(checked_url(address), None, url_from, "", data_dir)
    key, token_from = _find_token(token, environ, saved, found)
    return Config(found.url, key, url_from, token_from, data_dir)


def config_path() -> Path:
    return Path.home() / ".config" / "groundup" / "config.toml"


def checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise LocalProblem(f"'{url}' is not the address of a server", remedy="give it like http://localhost:8080")
    return url.rstrip("/")


def save_login(url: str, token: str) -> Path:
    """Write the configuration file, readable by its owner only."""
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"url = {json.dumps(url)}\ntoken = {json.dumps(token)}\n")
    fresh.replace(path)
    return path


def _find_url(url: str | None, environ: Mapping[str, str], saved: Mapping[str, Any]) -> tuple[str, str]:
    if url:
        return url, "given"
    if named := environ.get("GROUNDUP_URL"):
        return named, "GROUNDUP_URL"
    if port := environ.get("GROUNDUP_PORT"):
        return f"http://localhost:{port}", "GROUNDUP_PORT"
    if "url" in saved:
        return str(saved["url"]), str(config_path())
    return "http://localhost:8080", "default"


def _find_token(token: str | None, environ: Mapping[str, str], saved: Mapping[str, Any], found: Config) -> tuple[str | None, str]:
    """A saved token goes only to the server it was saved for, and this machine's admin token only to this machine."""
    if token:
        return token, "given"
    if named := environ.get("GROUNDUP_TOKEN"):
        return named, "GROUNDUP_TOKEN"
    if "token" in saved and str(saved.get("url", "")).rstrip("/") == found.url:
        return str(saved["token"]), str(config_path())
    admin = found.data_dir / "admin-token"
    if found.local and (secret := _read_secret(admin)):
        return secret, str(admin)
    return None, "not found"


def _read_secret(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except OSError:
        return None


def _read_saved(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise LocalProblem(f"{path}: {error}", remedy="repair it, or write it anew with `groundup login --url ... --token ...`") from error
