"""The first 20 losses of one small run, which only a change of results may change.

python -m tests.golden.curve     records them for the torch release installed here
"""

import contextlib
import json
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from services.trainer.rundir import Order
from tests.trainer.checkpoints import SavingTraining, take_up
from tests.trainer.runs import tiny_spec
from tests.trainer.trainings import Training

SPEC = tiny_spec(steps=20, model={"n_layer": 3, "n_embd": 32, "dropout": 0.1}, micro_batch_size=4, checkpoint={"every": 6})
"""With dropout, and two micro-batches a step."""


def path() -> Path:
    return Path(__file__).parent / f"loss-curve-torch-{release()}.json"


def release() -> str:
    return torch.__version__.split("+")[0]


def processor() -> str:
    """Whose kernels are chosen by: rounding differs from one to the next."""
    model = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    return f"{model}, {torch.backends.cpu.get_cpu_capability()}"


def measure(folder: Path) -> list[float]:
    with one_thread():
        training = Training(SPEC, folder)
        training.run()
    return training.losses()


def measure_resumed(folder: Path) -> list[float]:
    """The same run, saved in the background every six steps, lost after step 15 and gone on with from the checkpoint of step 12."""
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


def _cpuinfo() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text().splitlines() if file.exists() else []


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        path().write_text(json.dumps({"processor": processor(), "losses": measure(Path(scratch))}, indent=1) + "\n")
