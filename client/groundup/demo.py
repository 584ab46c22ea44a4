"""The demo: a first model, trained by nothing but the client's public calls, each shown as the command that a person would type."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from groundup.client import Client
from groundup.datasets import DatasetVersion, Push
from groundup.demo_text import collect
from groundup.runs import Run
from groundup.tokenizers import Tokenizer

DATASET: Final = "demo-text"
TOKENIZER: Final = "demo-bpe"
VOCAB_SIZE: Final = 2048
STEPS_PER_SECOND: Final = 5.0
"""Of the demo's model on two ordinary cores."""


@dataclass(frozen=True)
class Plan:
    """steps: None for as many as take about `seconds`. folder: where the text and the spec are left for you to look at."""

    folder: Path
    text: str | None = None
    steps: int | None = None
    processes: int = 2
    seconds: float = 120


@dataclass
class Summary:
    """For whoever watches the demo from outside. Seconds count from the start of the demo."""

    run_id: str = ""
    run_name: str = ""
    state: str = ""
    dataset: str = ""
    tokenizer: str = ""
    checkpoint_id: str = ""
    train_loss: float | None = None
    val_losses: list[float] = field(default_factory=list)
    seconds_to_first_loss: float | None = None
    seconds: float = 0.0
    sample: str = ""
    started: float = field(default_factory=time.monotonic, repr=False)

    def elapsed(self) -> float:
        return round(time.monotonic() - self.started, 2)

    def write(self, path: Path) -> None:
        values = {name: value for name, value in asdict(self).items() if name != "started"}
        path.write_text(json.dumps(values, indent=2) + "\n")


def push_text(client: Client, plan: Plan, say: Callable[[str], None]) -> DatasetVersion:
    path = plan.text
    if path is None:
        folder = plan.folder / "demo-text"
        chosen = collect(folder)
        say(f"Text: {len(chosen)} modules of Python's standard library, {sum(document.size for document in chosen) / 1e6:.1f} MB.")
        path = str(folder)
    say(f"$ groundup data push {DATASET} {path} --skip-bad")
    result = client.datasets.push(DATASET, [path], skip_bad=True)
    say(_pushed(result))
    return result.version


def train_tokenizer(client: Client, dataset: DatasetVersion, say: Callable[[str], None]) -> Tokenizer:
    """Reuses one that was trained on this very version."""
    same = (tokenizer for tokenizer in client.tokenizers.list() if tokenizer.name == TOKENIZER and _fits(tokenizer, dataset))
    if ready := max(same, key=lambda tokenizer: tokenizer.version, default=None):
        say(f"Tokenizer {ready.reference} is there already.")
        return ready
    say(f"$ groundup tokenizer train {TOKENIZER} --dataset {dataset.reference} --vocab-size {VOCAB_SIZE} --wait")
    begun = client.tokenizers.train(TOKENIZER, dataset=dataset.reference, vocab_size=VOCAB_SIZE)
    ready = client.tokenizers.wait(begun)
    say(f"{ready.reference} is ready" + (f": {ready.bytes_per_token:.2f} bytes per token." if ready.bytes_per_token else "."))
    return ready


def submit_run(client: Client, plan: Plan, spec: dict[str, Any], say: Callable[[str], None]) -> Run:
    plan.folder.mkdir(parents=True, exist_ok=True)
    path = plan.folder / "demo-run.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    say(path.read_text().rstrip())
    say(f"$ groundup run submit -f {path} --follow")
    return client.runs.submit(path)


def run_spec(plan: Plan, name: str, dataset: DatasetVersion, tokenizer: Tokenizer) -> dict[str, Any]:
    steps = plan.steps or max(20, round(plan.seconds * STEPS_PER_SECOND))
    tenth = max(1, steps // 10)
    return {
        "name": name,
        "dataset": dataset.reference,
        "tokenizer": tokenizer.reference,
        "model": {"preset": "nano", "n_layer": 4, "n_head": 4, "n_embd": 128, "sequence_length": 128},
        "train": {
            "steps": steps,
            "batch_size": 16 if 16 % plan.processes == 0 else plan.processes * 8,
            "optimizer": {"name": "adamw", "lr": 2.0e-3},
            "schedule": {"name": "cosine", "warmup_steps": min(50, tenth)},
            "evaluate": {"every": tenth, "batches": 8},
            "checkpoint": {"every": 2 * tenth},
            "sample": {"every": 2 * tenth, "prompts": ["def "]},
        },
        "compute": {"processes_per_node": plan.processes},
    }


def next_name(client: Client) -> str:
    numbers = [int(found[1]) for run in client.runs.list(q="demo-") if (found := re.fullmatch(r"demo-([0-9]{1,9})", run.name))]
    return f"demo-{max(numbers, default=0) + 1}"


def _fits(tokenizer: Tokenizer, dataset: DatasetVersion) -> bool:
    return tokenizer.state == "ready" and tokenizer.dataset == dataset.reference


def _pushed(result: Push) -> str:
    version = result.version
    sent = f"{result.sent_bytes / 1e6:.1f} MB sent" if result.sent_parts else "it was there already, nothing had to be sent"
    skipped = f"; {len(result.skipped)} files skipped (empty or not UTF-8)" if result.skipped else ""
    return f"{version.reference}: {version.files} files, {version.bytes / 1e6:.1f} MB; {sent}{skipped}."
