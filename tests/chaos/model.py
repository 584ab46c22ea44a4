"""1,000 iterations of the model, on SQLite and a share of them on PostgreSQL, in as many processes as there are cores."""

import contextlib
import logging
import multiprocessing
import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import create_engine, text

from services.api.app import create_app
from services.api.models import Base
from serving import ids
from tests.api.stage import Clock, FakeStorage, Stage
from tests.chaos.simulated import Mortal
from tests.chaos.world import SETTINGS, World
from tests.servers import postgres_binaries, postgres_server

EVERY_ON_POSTGRESQL: Final = 10
"""Every so manieth iteration is on PostgreSQL, where that is installed."""


class Dice:
    """In the place of `secrets`."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)

    def token_bytes(self, count: int) -> bytes:
        return self.rng.randbytes(count)


class Channel:
    """Stands in for Redis: an emergency stop goes out on it."""

    def publish(self, _channel: str, _message: str) -> int:
        return 1


@dataclass
class Done:
    """Of one iteration."""

    number: int
    on: str
    counts: Counter[str] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)


class Stages:
    """The api on each database; `clean` ones are emptied before each iteration."""

    def __init__(self, folder: Path, postgres: str) -> None:
        urls = {"SQLite": f"sqlite:///{folder / f'api-{os.getpid()}.db'}"} | ({"PostgreSQL": postgres} if postgres else {})
        self.databases = {name: Mortal(url) for name, url in urls.items()}
        self.stages = {name: _stage(database) for name, database in self.databases.items()}

    def play(self, seed: int, number: int) -> Done:
        on = "PostgreSQL" if number % EVERY_ON_POSTGRESQL == 0 and "PostgreSQL" in self.stages else "SQLite"
        stage, database = self.stages[on], self.databases[on]
        database.armed = None
        with database.writing() as session:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(text(f"DELETE FROM {table.name}"))
        stage.clock.now = 1_700_000_000.0
        with _numbered(f"{seed} {number}"):
            world = World(f"{seed} {number}", stage, database)
            try:
                world.run()
            except Exception as error:  # noqa: BLE001  (it is one of the findings)
                world.mistakes.append(f"the iteration broke: {error!r}")
        return Done(number, on, world.counts, world.mistakes)


def _stage(database: Mortal) -> Stage:
    Base.metadata.create_all(database.engine)
    clock, storage, channel = Clock(), FakeStorage(), Channel()
    app = create_app(SETTINGS, database, storage, channel, clock=lambda: clock.now)  # type: ignore[arg-type]
    return Stage(app, database, storage, SETTINGS.lease_seconds, clock)


@contextlib.contextmanager
def _numbered(seed: str) -> Iterator[None]:
    """Ids in an order of their own would make one seed's iterations differ: what is equally old goes by id."""
    before = vars(ids)["secrets"]
    vars(ids)["secrets"] = Dice(f"ids {seed}")
    try:
        yield
    finally:
        vars(ids)["secrets"] = before


# --- all of them

_HERE: list[Stages] = []
"""This process's."""


def _begin(folder: str, postgres: str, number: Any) -> None:
    with number.get_lock():
        number.value += 1
        url = _own_database(postgres, f"chaos_{number.value}") if postgres else ""
    logging.disable(logging.ERROR)
    _HERE.append(Stages(Path(folder), url))


def _own_database(url: str, name: str) -> str:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.rsplit("/", 1)[0] + f"/{name}"


def _play(task: tuple[int, int]) -> Done:
    return _HERE[0].play(*task)


def played(seed: int, numbers: Sequence[int]) -> Iterator[Done]:
    """In the order of the numbers."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="groundup-chaos-", dir=_memory()))
        postgres = stack.enter_context(postgres_server(_readable(folder))) if postgres_binaries() else ""
        context = multiprocessing.get_context("spawn")
        arguments = (folder, postgres, context.Value("i", 0))
        pool = stack.enter_context(context.Pool(min(os.cpu_count() or 1, len(numbers)), _begin, arguments))
        yield from pool.imap(_play, [(seed, number) for number in numbers], chunksize=1)


def _readable(folder: str) -> Path:
    """PostgreSQL runs as another user where we are root."""
    Path(folder).chmod(0o755)
    (own := Path(folder) / "postgresql").mkdir(mode=0o755)
    return own


def _memory() -> str | None:
    """What is killed here is killed between two statements: nothing needs a disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
