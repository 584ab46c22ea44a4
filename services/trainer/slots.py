"""What this host can train on: its GPUs by UUID where the driver answers, else CPU processes."""

import importlib.metadata
import logging
import platform

import pynvml

from services.trainer.settings import AgentSettings, Device
from shared.conversation import SlotReport
from shared.errors import EnvironmentFault

log = logging.getLogger(__name__)


def find_slots(settings: AgentSettings) -> list[SlotReport]:
    """Raises EnvironmentFault where GPUs are demanded and there are none."""
    gpus = _gpus(settings.device)
    if gpus:
        log.info("slots: %d GPU(s): %s", len(gpus), ", ".join(f"{slot.name} ({slot.id})" for slot in gpus))
        return gpus
    if settings.device == "cuda":
        raise EnvironmentFault("GROUNDUP_DEVICE is cuda, but no GPU can be used", remedy="the lines above say why; or set it to auto")
    log.info("slots: %d CPU process(es)", settings.slots)
    name = platform.processor() or platform.machine()
    return [SlotReport(id=f"{settings.host}/cpu{index}", device="cpu", name=name) for index in range(settings.slots)]


def _gpus(device: Device) -> list[SlotReport]:
    if device == "cpu":
        return []
    if _torch_version().endswith("+cpu"):  # read from the package's metadata: the agent never imports torch
        log.info("GPUs are left alone: the installed torch %s is the build without CUDA", _torch_version())
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        log.info("no GPU driver answers (%s)", error)
        return []
    try:
        return [_gpu(index) for index in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()


def _gpu(index: int) -> SlotReport:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    return SlotReport(id=str(pynvml.nvmlDeviceGetUUID(handle)), device="cuda", name=str(pynvml.nvmlDeviceGetName(handle)))


def _torch_version() -> str:
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return "(none)"
