"""`./run backup-drill`: a backup while a run trains, the data folder deleted, a restore, and everything goes on. Exits with 1 where
something does not hold.
"""

import contextlib
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
from groundup import Client
from groundup.runs import Run

from services.api.orphans import Orphans
from serving.database import Database
from shared.storage_client import StorageClient
from tests.bench.figures import Figures
from tests.e2e.runs import steps_in_history
from tests.e2e.stack import ROOT, Stack, running_stack
from tests.servers import wait_until

ABOUT: Final = """The whole platform on this machine, with a dataset, a tokenizer and a run on one CPU process. `./run backup` while it
trains; then every process is killed and the data folder deleted; `./run restore`, `./run up`. The run goes on by itself from its newest
checkpoint in the backup; its history has every step once, from the first to the last; every restored checkpoint verifies, and the
collection of orphans, asked twice without any age, leaves them alone. The token signs in as before, and the dataset reads as it was
pushed. Steps lost are those between that checkpoint and the moment of the kill: they are trained again."""
STEPS: Final = 800
TRAIN: Final = {
    "steps": STEPS,
    "batch_size": 8,
    "optimizer": {"lr": 3e-3},
    "schedule": {"warmup_steps": 5},
    "evaluate": {"every": 200, "batches": 1},
    "checkpoint": {"every": 50, "keep_last": STEPS},
}
SHAPE: Final = {"n_layer": 2, "n_head": 2, "n_embd": 64, "sequence_length": 64}
COMPUTE: Final = {"processes_per_node": 1, "device": "cpu"}
NO_PROMISE: Final = "objects in an S3 elsewhere, PostgreSQL, workers on other machines"


@dataclass(frozen=True)
class Known:
    """What a person knew of the platform before it was lost. `dataset`: name and version; `text`: of its first document."""

    run: str
    token: str
    secrets: Mapping[str, str]
    dataset: tuple[str, int]
    text: dict[str, Any]
    tokenizer: str


def main() -> int:
    figures, began = Figures("backup-drill", ABOUT), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="groundup-drill-", ignore_cleanup_errors=True) as scratch:
        data = Path(scratch) / "the data"
        with running_stack(data, GROUNDUP_SLOTS="1", GROUNDUP_WORKER_NAME="drill") as stack:
            known = begin(stack)
            backup = Path(scratch) / "backup.tar"
            figures.tell("back up, while a run trains", seconds_of(stack, "backup", str(backup)), "s")
            figures.tell("the backup", backup.stat().st_size / 1e6, "MB")
            lost_at = wreck(stack, known.run)
            figures.tell("look whether the backup is whole", seconds_of(stack, "restore", "--check", str(backup)), "s")
            figures.tell("restore", seconds_of(stack, "restore", str(backup)), "s")
            go_on(figures, stack, known, lost_at)
    figures.tell("all of this", time.monotonic() - began, "s")
    return figures.finish(NO_PROMISE)


def begin(stack: Stack) -> Known:
    """A run that trains and has committed checkpoints."""
    with stack.client() as client:
        folder = Path(sysconfig.get_path("stdlib"))
        version = client.datasets.push("stdlib", [str(folder / f"{module}.py") for module in ("argparse", "ast", "inspect")]).version
        tokenizer = client.tokenizers.wait(client.tokenizers.train("bpe", dataset=version.reference, vocab_size=320)).reference
        spec = {"name": "drilled", "dataset": version.reference, "tokenizer": tokenizer, "model": SHAPE, "train": TRAIN, "compute": COMPUTE}
        run = client.runs.submit(spec).id
        wait_until(lambda: len(list(client.checkpoints.list(run))) >= 2, "two checkpoints", 120)
        text = next(client.datasets.documents("stdlib", version.version))
        return Known(run, (stack.data_dir / "admin-token").read_text(), secrets_of(stack), ("stdlib", version.version), text, tokenizer)


def secrets_of(stack: Stack) -> dict[str, str]:
    return {file.name: file.read_text() for file in (stack.data_dir / "secrets").iterdir()}


def seconds_of(stack: Stack, module: str, *words: str) -> float:
    """Of a command as a person gives it."""
    began = time.monotonic()
    command = [sys.executable, "-m", f"infra.{module}", *words]
    done = subprocess.run(command, cwd=ROOT, env=stack.environment, capture_output=True, text=True, timeout=120, check=False)
    print(done.stdout + done.stderr, file=sys.stderr, end="")
    assert done.returncode == 0, f"{module} ended with {done.returncode}"
    told = [secret for secret in secrets_of(stack).values() if secret in done.stdout + done.stderr] if stack.data_dir.exists() else []
    assert not told, f"{module} prints secrets"
    return time.monotonic() - began


def wreck(stack: Stack, run: str) -> int:
    """A dead machine: every process killed, and its data gone. The step that the run was at."""
    with stack.client() as client:
        saved = len(list(client.checkpoints.list(run)))
        wait_until(lambda: len(list(client.checkpoints.list(run))) > saved, "a checkpoint that the backup does not have", 60)
        told = client.runs.get(run)
        assert told.state == "running", told
    processes = stack.processes()
    supervisor = [process for process in processes if "supervisord" in " ".join(process.cmdline())]
    for process in (*supervisor, *processes):  # or it would start the others again
        process.kill()
    psutil.wait_procs(processes, timeout=20)
    assert not stack.processes()
    shutil.rmtree(stack.data_dir)
    return told.progress.step


def go_on(figures: Figures, stack: Stack, known: Known, lost_at: int) -> None:
    assert known.token == (stack.data_dir / "admin-token").read_text()
    assert known.secrets == secrets_of(stack)
    private = [stack.data_dir / "admin-token", *(stack.data_dir / "secrets").iterdir(), *stack.data_dir.glob("*.db")]
    assert all(path.stat().st_mode & 0o077 == 0 for path in private), "others could read the secrets"
    began = time.monotonic()
    stack.launch("up")
    with Client(stack.url, known.token.strip()) as client:
        saved = {checkpoint.id: checkpoint.step for checkpoint in client.checkpoints.list(known.run)}
        assert next(client.datasets.documents(*known.dataset)) == known.text
        assert known.tokenizer in {tokenizer.reference for tokenizer in client.tokenizers.list()}
        wait_until(lambda: is_back(client.runs.get(known.run)), "the run goes on", 90)
        figures.tell("from `./run up` to a training run", time.monotonic() - began, "s")
        resumed = client.runs.get(known.run).attempts[-1].resume_step or 0
        figures.tell("steps before the loss", lost_at, "steps")
        figures.tell("steps lost", lost_at - resumed, "steps")
        figures.tell("the newest checkpoint, less the one that the run went on from", max(saved.values()) - resumed, "steps", most=0)
        finished = client.runs.wait(known.run, timeout=180)
        assert finished.succeeded, finished
        figures.tell("steps missing or doubled in the history", wrong_steps(client, known.run), "steps", most=0)
        collect(stack)
        damaged = [checkpoint for checkpoint in saved if client.checkpoints.verify(checkpoint)]
        figures.tell("restored checkpoints", len(saved), "checkpoints", least=2)
        figures.tell("restored checkpoints that do not verify", len(damaged), "checkpoints", most=0)


def is_back(run: Run) -> bool:
    return len(run.attempts) > 1 and run.attempts[-1].state == "running" and run.progress.step > (run.attempts[-1].resume_step or 0)


def wrong_steps(client: Client, run: str) -> int:
    """The ingester is a second or so behind."""
    wanted = list(range(1, STEPS + 1))
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: steps_in_history(client, run) == wanted, "the whole history", 30)
    told = steps_in_history(client, run)
    return len(set(wanted) ^ set(told)) + len(told) - len(set(told))


def collect(stack: Stack) -> None:
    """What the housekeeper does every hour with what is a day old: at once, with whatever age. It deletes at its second look."""
    database = Database(f"sqlite:///{stack.data_dir / 'api.db'}")
    port = int(stack.url.rsplit(":", 1)[1]) + 3
    storage = StorageClient(f"http://127.0.0.1:{port}", secrets_of(stack)["join"])
    orphans = Orphans(database, storage)
    for _ in range(2):
        orphans.collect(0.0, now=time.time())
    storage.http.close()
    database.close()


if __name__ == "__main__":
    sys.exit(main())
