"""Runs for end-to-end tests, and what must be true of their histories."""

from typing import Any

from groundup import Client

from tests.servers import wait_until


def spec(name: str, dataset: str, tokenizer: str, **train: Any) -> dict[str, Any]:
    """A run of a second or two per hundred steps."""
    schedule = {"optimizer": {"lr": 3e-3}, "schedule": {"warmup_steps": 5}, "batch_size": 8}
    model = {"n_layer": 2, "n_head": 2, "n_embd": 64, "sequence_length": 64}
    compute = {"processes_per_node": 2}
    return {"name": name, "dataset": dataset, "tokenizer": tokenizer, "model": model, "train": {**schedule, **train}, "compute": compute}


def steps_in_history(client: Client, run_id: str) -> list[int]:
    series = client.history.metrics(run_id, ["train/loss"], buckets=5000)
    assert all(count == 1 for part in series for count in part.count)
    return sorted(int(step) for part in series for step in part.x)


def wait_for_history(client: Client, run_id: str, steps: int) -> None:
    """The ingester is a second or so behind; a run's every step is there once, and only once."""
    wait_until(lambda: steps_in_history(client, run_id) == list(range(1, steps + 1)), f"{steps} steps, each once", 30)
