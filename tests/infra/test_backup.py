"""A backup of services that write: consistent copies, objects that are deleted meanwhile, and what is refused."""

import contextlib
import fcntl
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import snapshot
from infra.archive import BackupError, Contents
from infra.backup import Held, back_up
from infra.layout import ROOT, Layout
from infra.restore import restore
from tests.infra.data import Data, new_data


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return new_data(tmp_path / "data")


@contextlib.contextmanager
def writing(databases: dict[str, Path]) -> Iterator[list[int]]:
    """Somebody who writes number after number: into storage, then api, then the monitor. Yields a list of the last one."""
    stop, last = threading.Event(), [0]

    def write() -> None:
        connections = [sqlite3.connect(databases[service], timeout=30) for service in ("storage", "api", "monitor")]
        while not stop.is_set():
            last[0] += 1
            for connection in connections:
                with connection:
                    connection.execute("INSERT INTO numbers VALUES (?)", last)
        for connection in connections:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield last
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def databases(tmp_path: Path) -> dict[str, Path]:
    found = {service: tmp_path / f"{service}.db" for service in snapshot.SERVICES}
    for path in found.values():
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("CREATE TABLE numbers (n INTEGER)")
    (tmp_path / "copies").mkdir()
    return found


def is_closed(path: Path) -> bool:
    """To writers."""
    with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as writer:
        try:
            writer.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


def test_nobody_writes_while_the_moment_is_fixed(databases: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, fixed = snapshot._connect, list[list[bool]]()

    def traced(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        look = [lambda: fixed.append([is_closed(each) for each in databases.values()])]
        connection.set_trace_callback(lambda statement: look.pop()() if statement.startswith("SELECT") and look else None)
        return connection

    monkeypatch.setattr(snapshot, "_connect", traced)
    snapshot.copy_databases(databases, tmp_path / "copies")
    assert fixed == [[True, True, True]] * 3
    assert not any(is_closed(each) for each in databases.values())


def test_copies_are_whole_while_everything_writes(databases: dict[str, Path], tmp_path: Path) -> None:
    seen: set[int] = set()
    with writing(databases) as last:
        while len(seen) < 20:
            before = last[0]
            copies = snapshot.copy_databases(databases, tmp_path / "copies")
            count = {name: numbers_in(copy) for name, copy in copies.items()}
            assert count["monitor"] <= count["api"] <= count["storage"] <= count["monitor"] + 1
            assert count["storage"] >= before - 1
            seen.add(count["api"])


def numbers_in(copy: Path) -> int:
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        count, newest = connection.execute("SELECT count(*), coalesce(max(n), 0) FROM numbers").fetchone()
    assert count == newest, "a hole"
    return int(count)


def test_a_database_that_is_never_free_is_told(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(snapshot, "LOCK_SECONDS", 0.0)
    with contextlib.closing(sqlite3.connect(data.layout.data_dir / "storage.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(BackupError, match="never free"):
            back_up(data.layout, {}, tmp_path / "b.tar")
    assert list(tmp_path.iterdir()) == [data.layout.data_dir]


def test_what_is_deleted_while_it_is_held_is_still_there(data: Data, tmp_path: Path) -> None:
    key = data.add_checkpoint("run_1", "ckpt_1", step=10)
    held = Held(data.store, tmp_path / "held")
    held.hold()
    (data.store / key).unlink()
    found = held.find(key)
    assert found
    assert found.read_bytes() == data.contents[key]


def test_what_retention_deletes_meanwhile_is_in_the_backup(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = data.add_checkpoint("run_1", "ckpt_1", step=10)
    copy = snapshot.copy_databases

    def copy_then_delete(sources: dict[str, Path], into: Path) -> dict[str, Path]:
        copies = copy(sources, into)
        (data.store / key).unlink()
        return copies

    monkeypatch.setattr(snapshot, "copy_databases", copy_then_delete)
    done = back_up(data.layout, {}, tmp_path, patience=0)
    assert (done.objects, done.missing) == (1, [])


def test_what_is_made_and_deleted_meanwhile_is_looked_at_again(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the two times at which objects are held, so that the copies know it and nobody has its bytes."""
    copy, looks = snapshot.copy_databases, list[str]()

    def make_copy_delete(sources: dict[str, Path], into: Path) -> dict[str, Path]:
        if not looks:
            looks.append(data.add_checkpoint("run_1", "ckpt_1", step=10))
        copies = copy(sources, into)
        if (data.store / looks[0]).exists():
            data.remove(looks[0])
        return copies

    monkeypatch.setattr(snapshot, "copy_databases", make_copy_delete)
    done = back_up(data.layout, {}, tmp_path)
    assert (done.objects, done.missing) == (0, [])


def test_everything_comes_back_and_nothing_else(data: Data, tmp_path: Path) -> None:
    key = data.add_checkpoint("run_1", "ckpt_1", step=10)
    data.put("checkpoints/run_1/ckpt_never/model.safetensors", b"never verified")
    for folder in ("logs", "redis", "run", "worker/w/attempts"):
        (data.layout.data_dir / folder).mkdir(parents=True, exist_ok=True)
        (data.layout.data_dir / folder / "file").write_text("not to be kept")
    done = back_up(data.layout, {}, tmp_path)
    assert (done.missing, done.behind, done.objects) == ([], [], 1)
    assert done.path.stat().st_mode & 0o777 == 0o600
    other = data.layout_of(tmp_path / "other")
    restore(other, {}, done.path)
    files = {str(path.relative_to(other.data_dir)) for path in other.data_dir.rglob("*") if path.is_file()}
    assert files == {"api.db", "monitor.db", "storage.db", "admin-token", "secrets/join", f"s3/groundup/{key}"}
    assert (other.data_dir / f"s3/groundup/{key}").read_bytes() == data.contents[key]
    assert (other.data_dir / "secrets/join").read_text() == "a secret"
    assert all(path.stat().st_mode & 0o077 == 0 for path in [other.data_dir, *other.data_dir.rglob("*")])
    assert not list(data.layout.data_dir.glob("backup-*"))


def test_a_damaged_or_missing_object_is_told_and_left_out(data: Data, tmp_path: Path) -> None:
    whole, longer, shorter, gone = (data.add_checkpoint("run_1", f"ckpt_{n}", step=n) for n in range(4))
    (data.store / longer).write_bytes(data.contents[longer] + b"!")
    (data.store / shorter).write_bytes(data.contents[shorter][:-1])
    (data.store / gone).unlink()
    done = back_up(data.layout, {}, tmp_path, patience=0)
    assert sorted(done.missing) == sorted([longer, shorter, gone])
    other = data.layout_of(tmp_path / "other")
    restore(other, {}, done.path)
    assert [path.name for path in (other.data_dir / "s3").rglob("*.safetensors")] == [Path(whole).name]


def test_a_history_that_is_behind_is_waited_for_and_told(data: Data, tmp_path: Path) -> None:
    data.add_checkpoint("run_1", "ckpt_1", step=10, told=9)
    assert back_up(data.layout, {}, tmp_path / "1.tar", patience=0).behind == ["run_1"]
    data.tell("run_1", 10)
    assert back_up(data.layout, {}, tmp_path / "2.tar", patience=0).behind == []


def test_what_the_history_has_not_heard_is_sent_again(data: Data, tmp_path: Path) -> None:
    """Redis had taken all four, and the monitor two."""
    data.send("run_1", 4, heard=2)
    copies = snapshot.copy_databases({name: data.layout.data_dir / f"{name}.db" for name in snapshot.SERVICES}, tmp_path)
    assert snapshot.tell_again(copies) == 2
    with contextlib.closing(sqlite3.connect(copies["api"])) as api:
        assert api.execute("SELECT seq FROM outbox WHERE sent_at IS NULL ORDER BY seq").fetchall() == [(3,), (4,)]


def test_objects_are_those_that_storage_has_verified(data: Data) -> None:
    key = data.add_checkpoint("run_1", "ckpt_1", step=10)
    with contextlib.closing(sqlite3.connect(data.layout.data_dir / "storage.db")) as storage, storage:
        for name, verified in (("a" * 64, 1.0), ("b" * 64, None)):
            storage.execute("INSERT INTO parts (sha256, bytes, resets, verified_at) VALUES (?, 3, 0, ?)", (name, verified))
    found = snapshot.objects({"storage": data.layout.data_dir / "storage.db"})
    assert found == {key: Contents(len(data.contents[key]), data.digest(key)), f"parts/aa/{'a' * 64}": Contents(3, "a" * 64)}


@pytest.mark.parametrize(
    ("environ", "target", "why"),
    [
        ({"GROUNDUP_API_DATABASE_URL": "postgresql+psycopg://groundup@db/api"}, "b.tar", "docs/operations.md says how"),
        ({}, "data/b.tar", "inside the data folder"),
        ({}, "taken.tar", "exists already"),
        ({}, "nowhere/b.tar", "there is no folder"),
    ],
)
def test_a_backup_that_would_be_none_is_refused(data: Data, tmp_path: Path, environ: dict[str, str], target: str, why: str) -> None:
    (tmp_path / "taken.tar").touch()
    with pytest.raises(BackupError, match=why):
        back_up(data.layout, environ, tmp_path / target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "taken.tar"]


def test_a_relative_address_of_the_same_database_is_the_same(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert back_up(data.layout, {"GROUNDUP_API_DATABASE_URL": "sqlite:///data/api.db"}, tmp_path).path.exists()


def test_objects_of_another_s3_are_not_in_it(data: Data, tmp_path: Path) -> None:
    data.add_checkpoint("run_1", "ckpt_1", step=10)
    elsewhere = {"S3_ENDPOINT_URL": "https://s3.example.org"}
    done = back_up(data.layout, elsewhere, tmp_path)
    assert (done.objects, done.missing) == (0, [])
    other = data.layout_of(tmp_path / "other")
    with pytest.raises(BackupError, match="S3_ENDPOINT_URL"):
        restore(other, {}, done.path)
    restore(other, elsewhere, done.path)
    assert not (other.data_dir / "s3").exists()


def test_where_nothing_is_there_yet_nothing_is_made(tmp_path: Path) -> None:
    """A folder that a refused backup had made would keep a restore from using it."""
    layout = Layout.read({"GROUNDUP_DATA_DIR": str(tmp_path / "data")})
    with pytest.raises(BackupError, match=r"there is no database .*; `./run up` makes it"):
        back_up(layout, {}, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["backup", "restore"])
def test_an_option_is_no_file(module: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", f"infra.{module}", "--help"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr[:12]) == (1, "usage: ./run")
    assert list(tmp_path.iterdir()) == []


def test_two_backups_at_once_are_refused(data: Data, tmp_path: Path) -> None:
    data.layout.run_dir.mkdir()
    with (data.layout.run_dir / "backup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="under way"):
            back_up(data.layout, {}, tmp_path)


def test_what_a_killed_backup_left_is_removed(data: Data, tmp_path: Path) -> None:
    left = data.layout.data_dir / "backup-killed"
    left.mkdir()
    os.link(data.layout.admin_token, left / "link")
    back_up(data.layout, {}, tmp_path)
    assert not left.exists()
