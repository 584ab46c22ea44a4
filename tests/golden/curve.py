"""The first 20 losses of one small run, by one process and by two, which only a change of results may change.

python -m tests.golden.curve             records them for the torch release installed here
python -m tests.golden.curve measure     prints them

Rounding differs with the instructions a processor has, so they are measured in a process of its own that uses only those all have
(`PLAIN`); then they are the same to the last bit on every machine of one architecture.
"""

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch

from services.trainer.rundir import Order
from shared.training_events import StepCompleted
from tests.trainer.checkpoints import SavingTraining, take_up
from tests.trainer.runs import events, ranks, run_directory, tiny_spec
from tests.trainer.trainings import Training

PLAIN: Final = {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "ONEDNN_MAX_CPU_ISA": "SSE41", "OMP_NUM_THREADS": "1"}
SHAPE: Final[dict[str, Any]] = {"n_layer": 3, "n_embd": 32, "dropout": 0.1}
SPEC = tiny_spec(steps=20, model=SHAPE, micro_batch_size=4, checkpoint={"every": 6})
"""With dropout, and two micro-batches a step."""

OF_TWO = tiny_spec(steps=20, model=SHAPE, micro_batch_size=2, checkpoint={"every": 100}, processes=2)


def path() -> Path:
    return Path(__file__).parent / f"loss-curve-torch-{release()}.json"


def release() -> str:
    return torch.__version__.split("+")[0]


def record() -> dict[str, list[float]] | None:
    """The losses by number of processes, as recorded for this release of torch on this architecture."""
    found = json.loads(path().read_text()) if path().exists() else {}
    return found.get(platform.machine())


def measure_plainly() -> dict[str, list[float]]:
    """The same, measured now, in a process that uses no instructions that only some processors have."""
    command = [sys.executable, "-m", "tests.golden.curve", "measure"]
    told = subprocess.run(command, env={**os.environ, **PLAIN}, cwd=Path(__file__).parents[2], check=True, stdout=subprocess.PIPE)
    return json.loads(told.stdout)  # type: ignore[no-any-return]


def measure(folder: Path) -> list[float]:
    with one_thread():
        training = Training(SPEC, folder)
        training.run()
    return training.losses()


def measure_two(folder: Path) -> list[float]:
    """Of two processes, as the agent would start them."""
    directory = run_directory(folder, OF_TWO)
    with ranks(directory) as children:
        codes = [child.wait(120) for child in children]
    assert codes == [0, 0], directory.log(0).read_text()
    return [event.metrics["train/loss"] for event in events(directory) if isinstance(event, StepCompleted)]


def measure_resumed(folder: Path) -> list[float]:
    """The run of one, saved in the background every six steps, lost after step 15 and gone on with from the checkpoint of step 12."""
    with one_thread():
        first = SavingTraining(SPEC, folder / "first")
        first.commands = lambda: [Order(command_id="c", type="stop")] if first.history.step == 15 else []
        first.run()
        second = SavingTraining(SPEC, folder / "second")
        torch.manual_seed(99)
        take_up(second, first.checkpoints.path(12))
        second.go_on()
        second.saver.settle(needed=True)
    return first.losses()[:12] + second.losses()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def main() -> None:
    if sys.argv[1:] == ["measure"]:
        with tempfile.TemporaryDirectory() as scratch:
            curves = {"1": measure(Path(scratch) / "one"), "2": measure_two(Path(scratch) / "two")}
        sys.stdout.write(json.dumps(curves))
        return
    known = json.loads(path().read_text()) if path().exists() else {}
    path().write_text(json.dumps({**known, platform.machine(): measure_plainly()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
