"""Makes every secret once and hands each service its own: a folder (a volume) per service, a file per setting.

Files are world-readable because a volume is mounted only where it is needed, by users of different numbers.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path("/secrets")
Folder = dict[str, str]


def main() -> None:
    given = folders(lambda name: master(ROOT / "masters" / name), os.environ)
    for service, files in given.items():
        for name, text in files.items():
            write(ROOT / service / name, text)
    print(f"secrets are there for {', '.join(given)}")


def folders(secret: Callable[[str], str], environ: Mapping[str, str]) -> dict[str, Folder]:
    """service -> file -> text. `secret(name)` gives the same text for the same name ever after."""
    keys = {name: environ.get(name) or secret(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    common = {
        "GROUNDUP_REDIS_URL": f"redis://:{secret('redis')}@redis:6379/0",
        "GROUNDUP_JOIN_SECRET": secret("join"),
        "GROUNDUP_GATEWAY_SECRET": secret("gateway"),
    }
    return {
        "redis": {"redis.conf": f"requirepass {secret('redis')}\n", "password": secret("redis")},
        "postgres": {name: secret(f"postgres-{name}") for name in ("postgres", "api", "monitor", "storage")},
        # The quotes are rclone's syntax for a value with a comma.
        "s3": {"RCLONE_AUTH_KEY": f'"{secret("AWS_ACCESS_KEY_ID")},{secret("AWS_SECRET_ACCESS_KEY")}"'},
        "gateway": {"GROUNDUP_GATEWAY_SECRET": secret("gateway")},
        "api": {**common, **database("api", secret)},
        "monitor": {**common, **database("monitor", secret)},
        "storage": {**common, **database("storage", secret), **keys},
        # A worker is never asked by the gateway: it gets a value that opens nothing.
        "trainer": {**common, "GROUNDUP_GATEWAY_SECRET": secret("trainer-unused")},
    }


def database(service: str, secret: Callable[[str], str]) -> Folder:
    return {
        f"GROUNDUP_{service.upper()}_DATABASE_URL": f"postgresql+psycopg://{service}:{secret(f'postgres-{service}')}@postgres/{service}"
    }


def master(file: Path) -> str:
    if not file.exists():
        write(file, secrets.token_hex(32))
    return file.read_text()


def write(file: Path, text: str) -> None:
    """Whoever finds the file finds all of it."""
    torn = file.with_name(f".{file.name}.tmp")
    torn.write_text(text)
    torn.chmod(0o444)
    torn.replace(file)


if __name__ == "__main__":
    main()
