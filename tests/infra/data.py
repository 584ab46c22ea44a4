"""A data folder as the services leave it: migrated databases, a secret, the admin token, and checkpoints with their rows."""

import contextlib
import hashlib
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from infra.layout import ROOT, Layout
from infra.services import write_private
from infra.snapshot import SERVICES
from serving.database import Database


@dataclass
class Data:
    """contents: of the objects, by key."""

    layout: Layout
    contents: dict[str, bytes] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        return self.layout.data_dir / "s3" / self.layout.bucket

    def layout_of(self, folder: Path) -> Layout:
        return Layout.read({"GROUNDUP_DATA_DIR": str(folder)})

    def digest(self, key: str) -> str:
        return hashlib.sha256(self.contents[key]).hexdigest()

    def put(self, key: str, contents: bytes) -> None:
        self.contents[key] = contents
        (self.store / key).parent.mkdir(parents=True, exist_ok=True)
        (self.store / key).write_bytes(contents)

    def add_checkpoint(self, run: str, checkpoint: str, *, step: int, told: int | None = None) -> str:
        """Of one file, whose key this returns; its history has `told` steps, all by default."""
        name = f"{checkpoint}.safetensors"
        key = f"checkpoints/{run}/{checkpoint}/{name}"
        self.put(key, f"weights of {checkpoint}".encode())
        size, sha256 = len(self.contents[key]), self.digest(key)
        self._do("storage", "INSERT INTO checkpoint_files VALUES (?, ?, ?, ?, ?, 1)", checkpoint, name, run, size, sha256)
        self._add_run(run)
        files = json.dumps([{"name": name, "bytes": size, "sha256": sha256}])
        columns = "id, run_id, attempt_id, attempt, fence, step, tokens, metrics, bytes, files, created_at, damage"
        values = (checkpoint, run, f"att_{run}", step, size, files)
        self._do("api", f"INSERT INTO checkpoints ({columns}) VALUES (?, ?, ?, 1, 1, ?, 0, '{{}}', ?, ?, 1, '')", *values)
        self.tell(run, step if told is None else told)
        return key

    def remove(self, key: str) -> None:
        """As storage deletes a checkpoint: its rows, then its objects."""
        self._do("storage", "DELETE FROM checkpoint_files WHERE checkpoint_id = ?", key.split("/")[2])
        (self.store / key).unlink()

    def tell(self, run: str, step: int) -> None:
        """The history has so many steps."""
        columns = "run_id, name, attempt, first_step, last_step, first_tokens, last_tokens, first_at, last_at, count, sealed, data"
        values = (run, step, step, step)
        self._do("monitor", f"INSERT INTO metric_chunks ({columns}) VALUES (?, 'loss', 1, 1, ?, 1, ?, 1, 1, ?, 0, x'')", *values)

    def send(self, topic: str, count: int, *, heard: int) -> None:
        """So many events that Redis has taken, of which the monitor has so many."""
        for seq in range(1, count + 1):
            self._do("api", "INSERT INTO outbox (topic, seq, at, event, sent_at) VALUES (?, ?, 1, '{}', 1)", topic, seq)
        self._do("monitor", "INSERT INTO producers (topic, producer, producer_seq) VALUES (?, 'api', ?)", topic, heard)

    def _add_run(self, run: str) -> None:
        columns = "id, name, project, state, reason, wish, created_at, created_by, spec, resolved, priority, processes, device, fence"
        values = "?, 'r', 'p', 'running', '', '', 1, 'me', '{}', '{}', 50, 1, 'cpu', 1, 1, 0, 0, 0, '{}'"
        statement = f"INSERT OR IGNORE INTO runs ({columns}, attempt_count, fruitless, step, tokens, summary) VALUES ({values})"
        self._do("api", statement, run)
        columns = "id, run_id, number, state, worker, slots, reason, resume_step, placed_at, hinted"
        statement = f"INSERT OR IGNORE INTO attempts ({columns}) VALUES (?, ?, 1, 'running', 'w', '[]', '', 0, 1, 1)"
        self._do("api", statement, f"att_{run}", run)

    def _do(self, service: str, statement: str, *values: object) -> None:
        with contextlib.closing(sqlite3.connect(self.layout.data_dir / f"{service}.db")) as connection, connection:
            connection.execute(statement, values)


def new_data(folder: Path) -> Data:
    data = Data(Layout.read({"GROUNDUP_DATA_DIR": str(folder)}))
    folder.mkdir(mode=0o700)
    data.store.mkdir(parents=True)
    data.layout.secrets.mkdir()
    write_private(data.layout.secrets / "join", "a secret")
    write_private(data.layout.admin_token, "a token\n")
    for service in SERVICES:
        database = Database(f"sqlite:///{folder / service}.db")
        database.migrate(ROOT / "services" / service / "migrations")
        database.close()
    return data
