"""What a person does with the stack, over HTTP: text in, runs, their histories, samples."""

from pathlib import Path
from typing import Any

from groundup.client import Client
from groundup.runs import Run

from tests.compose.stack import until

DATASET = "rehearsal"
PATIENCE = 400.0
"""Seconds. Starting torch three times at once takes a small, busy machine minutes; what is asked here is that things happen."""
LINES = "".join(f"the {number} hens lay {number * 7 % 101} eggs before the {number % 12} o'clock bell rings\n" for number in range(3000))


def push_text(client: Client, folder: Path) -> None:
    text = folder / "hens.txt"
    text.write_text(LINES)
    client.datasets.push(DATASET, [str(text)])


def spec(name: str, steps: int) -> dict[str, Any]:
    return {
        "name": name,
        "dataset": DATASET,
        "tokenizer": "byte",
        "model": {"preset": "nano", "n_layer": 2, "n_head": 2, "n_embd": 32, "sequence_length": 32},
        "train": {
            "steps": steps,
            "batch_size": 8,
            "schedule": {"warmup_steps": min(100, steps // 4)},
            "evaluate": {"every": max(20, steps // 20), "batches": 2},
            "checkpoint": {"every": min(200, max(1, steps // 2))},
            "sample": {"every": steps, "prompts": ["the "]},
        },
        "compute": {"processes_per_node": 1, "device": "cpu"},
    }


def submit(client: Client, name: str, steps: int) -> str:
    return client.runs.submit(spec(name, steps)).id


def succeed(client: Client, run_id: str, seconds: float = PATIENCE) -> Run:
    run = client.runs.wait(run_id, timeout=seconds)
    assert run.state == "succeeded", f"{run.name} is {run.state}: {run.reason}"
    return run


def wait_running(client: Client, run_ids: list[str], seconds: float = PATIENCE) -> float:
    """Until all of them run at once."""

    def states() -> list[str]:
        return [client.runs.get(run_id).state for run_id in run_ids]

    return until(lambda: states() == ["running"] * len(run_ids), lambda: f"the runs are {states()}", seconds)


def wait_steps(client: Client, run_id: str, seconds: float = PATIENCE) -> float:
    """Until the run has gone on from where it is."""
    step = client.runs.get(run_id).progress.step

    def gone_on() -> bool:
        run = client.runs.get(run_id)
        assert not run.finished, f"{run.name} is {run.state}: {run.reason}"
        return run.progress.step > step

    return until(gone_on, lambda: f"the run stands at step {step}", seconds)


def wait_workers(client: Client, names: set[str], seconds: float = PATIENCE) -> None:
    def online() -> set[str]:
        return {worker.name for worker in client.workers.list() if worker.state == "online" and len(worker.slots) == 1}

    until(lambda: online() == names, lambda: f"workers with a slot are {online()}, not {names}", seconds)


def steps_of_history(client: Client, run_id: str) -> tuple[int, int]:
    """(steps, how many of them the history lacks or has twice), once the history has caught up."""

    def buckets() -> list[tuple[float, int]]:
        series = client.history.metrics(run_id, ["train/loss"], buckets=2000)
        return sorted(pair for one in series for pair in zip(one.x, one.count, strict=True))

    last = client.runs.get(run_id).progress.step
    until(lambda: sum(count for _, count in buckets()) >= last, lambda: f"the history ends at {buckets()[-1:]}, the run at {last}", 30)
    return last, flaws(buckets(), last)


def flaws(buckets: list[tuple[float, int]], last: int) -> int:
    """`buckets`: (first step, how many). Without a flaw each begins where the one before it ended."""
    found, expected = 0, 1
    for first, count in buckets:
        found += abs(int(first) - expected)
        expected = int(first) + count
    return found + abs(expected - 1 - last)
