"""What a step pays for its event, beside what plain loops pay; and what a step takes while Redis is down.

python -m tests.bench.emitting           prints both
"""

import importlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from services.trainer.children import torchrun
from services.trainer.report import Report
from services.trainer.rundir import AttemptOrder
from services.trainer.spool import read_spool
from services.trainer.world import World
from shared.settings import Settings
from shared.training_events import StepCompleted
from tests import servers
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET
from tests.servers import wait_until
from tests.trainer.platform import Platform, make_claim, platform, running
from tests.trainer.runs import run_directory, tiny_spec
from tests.trainer.test_real_child import SPEC, WordStorage

EVENTS = 20_000
METRICS = {f"group/metric_{index}": 1.0 + index / 7 for index in range(12)}
SHAPE = {"n_layer": 2, "n_head": 4, "n_embd": 64, "sequence_length": 64}
SETTLING = 3.0
"""Seconds after Redis went or came that count for neither side."""


def measure() -> dict[str, float]:
    """Microseconds a step: to make the event of 12 metrics and have it in the spool; as a line of JSON; with tensorboardX, if there."""
    with tempfile.TemporaryDirectory() as scratch:
        logs: dict[str, Callable[[int], None]] = {"emit": spooled(Path(scratch)), "json": written(Path(scratch))}
        if board := drawn(Path(scratch)):
            logs["tensorboardx"] = board
        return {f"{name}_{kind}_us": value for name, log in logs.items() for kind, value in timed(log).items()}


def timed(log: Callable[[int], None]) -> dict[str, float]:
    taken = []
    for step in range(1, EVENTS + 1):
        begin = time.perf_counter()
        log(step)
        taken.append(1e6 * (time.perf_counter() - begin))
    return {"p50": statistics.median(taken), "p99": statistics.quantiles(taken, n=100)[98]}


def spooled(scratch: Path) -> Callable[[int], None]:
    folder = run_directory(scratch / "run", tiny_spec())
    report = Report(folder, AttemptOrder.model_validate_json(folder.order.read_bytes()), World())
    return lambda step: report.emit(StepCompleted(step=step, tokens=step * 1024, metrics=METRICS))


def written(scratch: Path) -> Callable[[int], None]:
    """A line a step, flushed, as the plainest loops do."""
    file = (scratch / "log.jsonl").open("w")

    def log(step: int) -> None:
        file.write(json.dumps({"step": step, "tokens": step * 1024, "at": time.time(), **METRICS}) + "\n")
        file.flush()

    return log


def drawn(scratch: Path) -> Callable[[int], None] | None:
    """TensorBoard's files; its writer has a thread of its own."""
    try:
        board = importlib.import_module("tensorboardX").SummaryWriter(str(scratch / "board"))
    except ImportError:
        return None

    def log(step: int) -> None:
        for name, value in METRICS.items():
            board.add_scalar(name, value, step)

    return log


def measure_outage(seconds: float = 60.0, warm_up: float = 5.0) -> dict[str, float]:
    """Milliseconds a step, with Redis and without: a real agent and two real ranks; half of the time with Redis is before it goes, half
    behind its return, so that a machine that grows warm counts for neither.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder, port = Path(scratch), servers.free_port()
        for name in ("redis", "s3"):
            (folder / name).mkdir()
        with servers.s3_server(folder / "s3") as s3:
            settings = Settings.read(
                {
                    "GROUNDUP_DATA_DIR": str(folder / "data"),
                    "GROUNDUP_REDIS_URL": f"redis://127.0.0.1:{port}/0",
                    "GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET,
                    "GROUNDUP_JOIN_SECRET": JOIN_SECRET,
                }
            )
            with platform(settings, WordStorage(s3), partial(torchrun, sys.executable)) as stage, running(stage):
                return _outage(stage, folder / "redis", port, seconds, warm_up)


def _outage(stage: Platform, folder: Path, port: int, seconds: float, warm_up: float) -> dict[str, float]:
    every = {"every": 1_000_000}
    plan = {"steps": 1_000_000, "batch_size": 16, "checkpoint": every, "evaluate": {**every, "batches": 1}, "sample": every}
    spool = stage.host.attempts_folder / "att_1" / "spool"
    windows: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}

    def stay(kind: str, duration: float) -> None:
        time.sleep(SETTLING)
        begin = time.time()
        time.sleep(duration)
        windows[kind].append((begin, time.time()))

    with servers.redis_server(folder, port):
        stage.api.claim_of["att_1"] = make_claim("att_1", spec={**SPEC, "model": SHAPE, "train": plan})
        wait_until(lambda: len(read_spool(spool, 0)[0]) > 20, "the first steps", 120)
        time.sleep(warm_up)
        stay("with", seconds / 2)
    stay("without", seconds)
    with servers.redis_server(folder, port):
        stay("with", seconds / 2)
        records = [record for record in read_spool(spool, 0)[0] if isinstance(record.event, StepCompleted)]
        wait_until(lambda: len(stage.records()) >= len(records), "all events in Redis", 120)
        shipped = len(stage.records())
    steps = {
        kind: [r.event.metrics["perf/step_ms"] for r in records if any(begin < r.at < end for begin, end in parts)]  # type: ignore[union-attr]
        for kind, parts in windows.items()
    }
    told = {f"step_ms_{kind}_redis": statistics.median(values) for kind, values in steps.items()}
    count = {f"steps_{kind}_redis": float(len(values)) for kind, values in steps.items()}
    ratio = told["step_ms_without_redis"] / told["step_ms_with_redis"]
    return {**told, **count, "ratio": ratio, "events_behind": float(max(0, len(records) - shipped))}


if __name__ == "__main__":
    print(json.dumps({"emitting": measure(), "outage": measure_outage()}, indent=1))
