"""Whether the GPUs have let go of processes that were killed."""

import logging
import time
from collections.abc import Collection
from typing import Any, Final

import pynvml

log = logging.getLogger(__name__)
LETTING_GO_SECONDS: Final = 5.0
"""What the driver gets to take back the memory of a dead process."""


def still_held(pids: Collection[int], nvml: Any = pynvml, *, seconds: float = LETTING_GO_SECONDS) -> list[int] | None:
    """Those of `pids` that a GPU still counts as its processes after so many seconds. None where no driver answers.

    nvml: the module, or what stands for it.
    """
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        log.debug("no GPU driver answers (%s)", error)
        return None
    deadline = time.monotonic() + seconds
    try:
        while (held := sorted(_on_gpus(nvml) & set(pids))) and time.monotonic() < deadline:
            time.sleep(0.1)
        return held
    except nvml.NVMLError as error:
        log.warning("the GPUs do not tell who uses them: %s", error)
        return None
    finally:
        nvml.nvmlShutdown()


def _on_gpus(nvml: Any) -> set[int]:
    handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
    return {int(process.pid) for handle in handles for process in nvml.nvmlDeviceGetComputeRunningProcesses(handle)}
