import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import create_engine, text
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from shared.settings import Settings
from tests import servers

END_TO_END = "tests/e2e/"
GATEWAY_SECRET, JOIN_SECRET = "gateway-secret-of-the-tests", "join-secret-of-the-tests"


def pytest_report_header() -> list[str]:
    why_not = servers.why_no_docker()
    kind = f"this machine's own packages ({why_not})" if why_not else "containers"
    return [f"Redis and PostgreSQL: {kind}", "S3: rclone serve s3"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: no process should wait for the last of it."""
    items.sort(key=lambda item: not item.nodeid.startswith(END_TO_END))


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Where several processes share the tests, a file's stay together, and so do all that need a whole stack: there is only one."""

    def _split_scope(self, nodeid: str) -> str:
        return END_TO_END if nodeid.startswith(END_TO_END) else nodeid.split("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together | None:
    return Together(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def redis_session_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = servers.redis_container() if servers.docker_answers() else servers.redis_server(tmp_path_factory.mktemp("redis"))
    with server as url:
        yield url


@pytest.fixture
def redis_url(redis_session_url: str) -> str:
    """An empty Redis."""
    with redis.Redis.from_url(redis_session_url) as client:
        client.flushall()
    return redis_session_url


@pytest.fixture(scope="session")
def postgres_session_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="groundup-postgres-", ignore_cleanup_errors=True) as folder:
        server = servers.postgres_container() if servers.docker_answers() else servers.postgres_server(Path(folder))
        with server as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database; the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    url = request.getfixturevalue("postgres_session_url")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    yield url


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3Endpoint]:
    with servers.s3_server(tmp_path_factory.mktemp("s3")) as endpoint:
        yield endpoint


@pytest.fixture
def settings(tmp_path: Path, redis_url: str) -> Settings:
    environ = {
        "GROUNDUP_DATA_DIR": str(tmp_path / "data"),
        "GROUNDUP_REDIS_URL": redis_url,
        "GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET,
        "GROUNDUP_JOIN_SECRET": JOIN_SECRET,
    }
    return Settings.read(environ)


@pytest.fixture
def editor() -> dict[str, str]:
    return headers("editor")


def headers(role: str) -> dict[str, str]:
    """What the gateway adds for somebody with this role."""
    return {"X-Groundup-Gateway": GATEWAY_SECRET, "X-Groundup-Principal": f"test-{role}", "X-Groundup-Role": role}
