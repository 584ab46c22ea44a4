"""The first 20 losses of one small run, which only a change of results may change.

python -m tests.golden.curve     records them for the torch release installed here
"""

import json
import platform
import tempfile
from pathlib import Path

import torch

from tests.trainer.runs import tiny_spec
from tests.trainer.trainings import Training

SPEC = tiny_spec(steps=20, model={"n_layer": 3, "n_embd": 32, "dropout": 0.1}, micro_batch_size=4)


def path() -> Path:
    return Path(__file__).parent / f"loss-curve-torch-{release()}.json"


def release() -> str:
    return torch.__version__.split("+")[0]


def processor() -> str:
    """Whose kernels are chosen by: rounding differs from one to the next."""
    model = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    return f"{model}, {torch.backends.cpu.get_cpu_capability()}"


def measure(folder: Path) -> list[float]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    training = Training(SPEC, folder)
    training.run()
    torch.set_num_threads(threads)
    return training.losses()


def _cpuinfo() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text().splitlines() if file.exists() else []


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        path().write_text(json.dumps({"processor": processor(), "losses": measure(Path(scratch))}, indent=1) + "\n")
