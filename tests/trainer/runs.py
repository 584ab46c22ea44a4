"""Small runs for tests: a spec that trains in a second, a run directory with real tokens, and children in it."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from services.trainer.rundir import AttemptOrder, RunDirectory, TokenFiles
from services.trainer.spool import read_spool
from shared.events import AnyEvent
from shared.spec import RunSpec, parse_spec
from tests.servers import free_port

END_OF_TEXT, VOCABULARY = 96, 97
TEXT = "".join(f"{number} times {factor} is {number * factor}. " for number in range(40) for factor in range(13))


def tiny_spec(steps: int = 20, model: dict[str, Any] | None = None, processes: int = 1, **train: Any) -> RunSpec:
    shape = {"n_layer": 2, "n_head": 2, "n_embd": 16, "sequence_length": 16, **(model or {})}
    plan = {"steps": steps, "batch_size": 8, "evaluate": {"every": 1000, "batches": 2}, "schedule": {"warmup_steps": 4}, "seed": 7, **train}
    compute = {"processes_per_node": processes, "device": "cpu"}
    return parse_spec({"name": "tiny", "dataset": "sums", "model": shape, "train": plan, "compute": compute})


def tokenizer() -> Tokenizer:
    """Printable ASCII, a token a character."""
    alphabet = {chr(32 + index): index for index in range(95)} | {"\n": 95, "<|endoftext|>": END_OF_TEXT}
    made = Tokenizer(models.WordLevel(alphabet, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.decoder = decoders.Fuse()
    return made


def encode(text: str) -> np.ndarray[Any, np.dtype[np.uint16]]:
    return np.array([95 if letter == "\n" else ord(letter) - 32 for letter in text], dtype="<u2")


def write_tokens(folder: Path, tokens: np.ndarray[Any, Any], shards: int = 3) -> TokenFiles:
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{index:05d}.bin" for index in range(shards)]
    for name, part in zip(names, np.array_split(tokens.astype("<u2"), shards), strict=True):
        (folder / name).write_bytes(part.tobytes())
    token_bytes = [1] * END_OF_TEXT + [0]
    return TokenFiles(
        dtype="uint16", tokens=len(tokens), vocab_size=VOCABULARY, end_of_text=END_OF_TEXT, token_bytes=token_bytes, files=names
    )


def run_directory(
    root: Path, spec: RunSpec, *, attempt: int = 1, text: str = TEXT, restore: Path | None = None, **changes: Any
) -> RunDirectory:
    """As the agent lays it out. `restore`: a checkpoint's folder to go on from. `changes`: of the order."""
    folder = RunDirectory(root)
    root.mkdir()
    data = write_tokens(folder.tokens, encode(text))
    tokenizer().save(str(folder.tokenizer))
    facts = {"run_id": "run_test", "attempt": attempt, "fence": attempt, "spec": spec, "device": "cpu", "data": data}
    order = AttemptOrder.model_validate(facts | changes)
    folder.order.write_text(order.model_dump_json())
    if restore is not None:
        folder.restore.symlink_to(restore)
    return folder


@contextlib.contextmanager
def torchrun(folder: RunDirectory) -> Iterator["subprocess.Popen[bytes]"]:
    """The way the agent starts a child."""
    world = json.loads(folder.order.read_text())["spec"]["compute"]["processes_per_node"]
    layout = ["--standalone", "--max-restarts=0", f"--nproc-per-node={world}", "-m", "services.trainer.main_child"]
    with process([sys.executable, "-m", "torch.distributed.run", *layout, str(folder.root)], folder, {}) as launcher:
        yield launcher


@contextlib.contextmanager
def ranks(folder: RunDirectory, module: str = "services.trainer.main_child", **environ: str) -> Iterator["list[subprocess.Popen[bytes]]"]:
    """The same processes without a launcher between, so that their exit codes are seen."""
    world = json.loads(folder.order.read_text())["spec"]["compute"]["processes_per_node"]
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(world), "LOCAL_WORLD_SIZE": str(world)}
    command = [sys.executable, "-m", module, str(folder.root)]
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(process(command, folder, {**environ, **meeting, "RANK": str(rank), "LOCAL_RANK": str(rank)}))
            for rank in range(world)
        ]


@contextlib.contextmanager
def process(command: list[str], folder: RunDirectory, environ: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    root = Path(__file__).parents[2]
    with (folder.root / "launcher.log").open("ab") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environ}, cwd=root)
    try:
        yield child
    finally:
        child.terminate() if child.poll() is None else None
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def events(folder: RunDirectory) -> list[AnyEvent]:
    return [record.event for record in read_spool(folder.spool, 0)[0]] if folder.spool.exists() else []
