"""`./run bench-commands`: how soon a run obeys: from a person's request to the step boundary, and to the acknowledgement.

--commands: how many are asked (200). --short: 30.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from groundup import Client

from tests.bench.figures import Figures
from tests.e2e.runs import spec
from tests.e2e.stack import running_stack
from tests.servers import wait_until

LIMIT = 1.0
"""Seconds beside one step."""
HEARTBEAT = "15"
"""Seconds, as a worker has it by default: what comes sooner has come by a hint."""
GAPS = (0.0, 0.11, 0.23, 0.37)
"""Seconds between an acknowledgement and the next request, so that they fall everywhere between two looks of the scheduler."""
ABOUT = """The whole stack on one machine, embedded mode, with the heartbeat that workers have by default (15 s), and a run on two
processes. One command after the other, changes of hyperparameters and checkpoints in turn: from before the request is sent to the
training's own time of having applied it, and to the api's of having heard so. The limit is one step and a second."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench-commands", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", type=int, default=200)
    parser.add_argument("--short", action="store_true")
    asked = parser.parse_args()
    figures = Figures("bench-commands", ABOUT)
    with (
        tempfile.TemporaryDirectory(prefix="groundup-bench-") as folder,
        running_stack(Path(folder), GROUNDUP_HEARTBEAT_SECONDS=HEARTBEAT) as stack,
        stack.client() as client,
    ):
        measure(client, Path(folder), figures, 30 if asked.short else asked.commands)
    return figures.finish("a GPU, workers on other machines", short=asked.short)


def measure(client: Client, folder: Path, figures: Figures, count: int) -> None:
    run_id = begin(client, folder)
    asked: dict[str, float] = {}
    for number, gap in zip(range(count), itertools.cycle(GAPS), strict=False):
        at = time.time()
        command = client.runs.commands.ask(run_id, **body(number))
        client.runs.commands.wait(run_id, command.command_id, timeout=60, sleep=lambda _: time.sleep(0.02))
        asked[command.command_id] = at
        time.sleep(gap)
    wait_until(lambda: applied_at(client, run_id).keys() >= asked.keys(), "the events of all commands", 30)
    applied = applied_at(client, run_id)
    heard = {each.command_id: datetime.fromisoformat(each.ended_at or "").timestamp() for each in client.runs.commands.list(run_id)}
    step = statistics.mean(value for series in client.history.metrics(run_id, ["perf/step_ms"]) for value in series.mean if value) / 1000
    client.runs.kill(run_id)
    figures.tell("one step", step, "s")
    for what, times in (("applied", applied), ("acknowledged", heard)):
        delays = [times[command_id] - at for command_id, at in asked.items()]
        figures.tell(f"request to {what}, p50 of {count}", statistics.median(delays), "s")
        figures.tell(f"request to {what}, p95", statistics.quantiles(delays, n=20)[-1], "s", most=round(step + LIMIT, 2))
        figures.tell(f"request to {what}, longest", max(delays), "s")


def begin(client: Client, folder: Path) -> str:
    text = folder / "numbers.txt"
    text.write_text("".join(f"line {number}\n" for number in range(20_000)))
    client.datasets.push("numbers", [str(text)])
    every = {"every": 1_000_000}
    plan = spec("obedient", "numbers", "byte", steps=1_000_000, batch_size=64, checkpoint=every, evaluate=every, sample=every)
    run_id = client.runs.submit(plan).id
    wait_until(lambda: bool(client.history.metrics(run_id, ["perf/step_ms"])), "the first steps", 90)
    return run_id


def body(number: int) -> dict[str, Any]:
    if number % 2:
        return {"kind": "save_checkpoint"}
    return {"kind": "set_hyperparameters", "changes": {"optimizer": {"weight_decay": 0.1 + number / 10_000}}}


def applied_at(client: Client, run_id: str) -> dict[str, float]:
    """The trainer's own times, by command."""
    return {event.event["command_id"]: event.at for event in client.history.events(run_id, type="CommandApplied")}


if __name__ == "__main__":
    raise SystemExit(main())
