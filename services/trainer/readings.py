"""What this host does right now, as metrics: psutil for the machine, NVIDIA's NVML for its GPUs (docs/system-metrics.md has the names)."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psutil
import pynvml

log = logging.getLogger(__name__)
Metrics = dict[str, float]

RETRY_SECONDS: Final = 60.0
"""How long a driver that fails is left alone."""
MIB: Final = 1 << 20
_NOT_A_NETWORK: Final = ("lo", "veth", "docker", "br-")
"""Interfaces whose bytes stay on this host, or are counted at another one already."""


class Readings:
    """`sample` is cheap and for one thread: it keeps the last counters, of which the rates are made. `nvml`: the module, or what stands
    for it; None leaves the GPUs alone."""

    def __init__(self, folder: Path, nvml: Any = pynvml, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder, self.clock = folder, clock
        self.gpus = Gpus(nvml, clock) if nvml is not None else None
        self.counters: dict[str, float] = {}
        self.counted_at = 0.0
        self.sample()  # the first has nothing to compare with

    def sample(self) -> Metrics:
        """Flat names and plain numbers; what cannot be read is left out."""
        found: Metrics = {}
        for read in (_cpu, _memory, self._disk, self._rates, *([self.gpus.sample] if self.gpus else [])):
            try:
                found |= read()
            except (OSError, RuntimeError, psutil.Error) as error:  # a container may hide any part of /proc
                log.debug("%s: %s", read.__name__, error)
        return {f"system/{name}": float(value) for name, value in found.items()}

    @property
    def gpu_ids(self) -> list[str]:
        """UUIDs, the GPU of index 0 first."""
        return list(self.gpus.ids) if self.gpus else []

    def _disk(self) -> Metrics:
        """Of the disk that the data folder is on."""
        usage = psutil.disk_usage(str(self.folder))
        return {"disk.used_bytes": _whole(usage.used), "disk.free_bytes": _whole(usage.free), "disk.total_bytes": _whole(usage.total)}

    def _rates(self) -> Metrics:
        """Bytes a second since the last call. A counter that went back was reset: no rate for once."""
        counters, now = _counters(), self.clock()
        seconds, before = now - self.counted_at, self.counters
        self.counters, self.counted_at = counters, now
        grown = {name: value - before[name] for name, value in counters.items() if name in before and seconds > 0}
        return {f"{name}_bytes_per_second": round(bytes_ / seconds) for name, bytes_ in grown.items() if bytes_ >= 0}


def _cpu() -> Metrics:
    cores = psutil.cpu_percent(percpu=True)
    load = psutil.getloadavg()[0]
    return {"cpu.utilization": round(sum(cores) / len(cores), 1), "cpu.busiest_core": max(cores), "cpu.load": round(load, 2)}


def _memory() -> Metrics:
    memory = psutil.virtual_memory()
    used = {"memory.used_bytes": _whole(memory.total - memory.available), "memory.total_bytes": _whole(memory.total)}
    return {**used, "swap.used_bytes": _whole(psutil.swap_memory().used)}


def _whole(size: int) -> int:
    """In whole MiB: what moves below that is noise, which the history would have to keep."""
    return size // MIB * MIB


def _counters() -> Metrics:
    disks, networks = disk_counters(), psutil.net_io_counters(pernic=True)
    outside = [counted for name, counted in networks.items() if not name.startswith(_NOT_A_NETWORK)]
    counters = {
        "network.receive": float(sum(counted.bytes_recv for counted in outside)),
        "network.transmit": float(sum(counted.bytes_sent for counted in outside)),
    }
    if disks:
        counters["disk.read"] = float(sum(counted.read_bytes for counted in disks))
        counters["disk.write"] = float(sum(counted.write_bytes for counted in disks))
    return counters


def disk_counters(read: Callable[..., Any] = psutil.disk_io_counters, blocks: Path = Path("/sys/block")) -> list[Any]:
    """Of each disk that is a device. What lies on one (LVM, LUKS, RAID, a loop file) would count the same bytes again. Where the system
    does not tell which these are, as macOS, the sum of all; empty where nothing is counted."""
    devices = [counted for name, counted in read(perdisk=True).items() if (blocks / name.replace("/", "!") / "device").exists()]
    return devices or [total for total in [read()] if total is not None]


class Gpus:
    """Whatever the driver does, the host's other readings come, and whatever a card does, the other cards': a failure is told once and
    tried again after a while. A counter that a card does not have is not asked for again. `ids`: UUIDs by index, "" of a card that never
    answered; none while no card does. `silent`: until when a card is left alone."""

    def __init__(self, nvml: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self.nvml, self.clock = nvml, clock
        self.ids: list[str] = []
        self.handles: dict[int, Any] = {}
        self.silent: dict[int, float] = {}
        self.lacking: set[tuple[int, str]] = set()
        self.retry_at = 0.0

    def sample(self) -> Metrics:
        if not self.ids and not self._find():
            return {}
        found: Metrics = {}
        for index in range(len(self.ids)):
            found |= self._card(index)
        if not self.handles:
            self._leave()
        return found

    def _find(self) -> bool:
        if self.clock() < self.retry_at:
            return False
        try:
            self.nvml.nvmlInit()
            self.ids = [""] * self.nvml.nvmlDeviceGetCount()
        except self.nvml.NVMLError as error:
            log.debug("no GPU driver answers (%s)", error)
        if not self.ids:
            self._leave()
        return bool(self.ids)

    def _card(self, index: int) -> Metrics:
        if self.clock() < self.silent.get(index, 0.0):
            return {}
        found: Metrics = {}
        try:
            handle = self._handle(index)
            for group, read in _GROUPS.items():
                found |= {f"gpu.{index}.{name}": value for name, value in self._read(index, handle, group, read).items()}
        except self.nvml.NVMLError as error:
            told_before = index in self.silent
            log.log(logging.DEBUG if told_before else logging.WARNING, "GPU %d is not read for %.0f s: %s", index, RETRY_SECONDS, error)
            self.handles.pop(index, None)
            self.silent[index] = self.clock() + RETRY_SECONDS
            return found
        self.silent.pop(index, None)
        return found

    def _handle(self, index: int) -> Any:
        if index not in self.handles:
            handle = self.nvml.nvmlDeviceGetHandleByIndex(index)
            self.ids[index] = str(self.nvml.nvmlDeviceGetUUID(handle))
            self.handles[index] = handle
        return self.handles[index]

    def _read(self, index: int, handle: Any, group: str, read: Callable[[Any, Any], Metrics]) -> Metrics:
        """Raises the driver's own errors, but for what the card or an old driver lacks."""
        if (index, group) in self.lacking:
            return {}
        try:
            return read(self.nvml, handle)
        except (self.nvml.NVMLError_NotSupported, self.nvml.NVMLError_FunctionNotFound):
            self.lacking.add((index, group))
            return {}

    def _leave(self) -> None:
        self.handles, self.ids, self.silent, self.retry_at = {}, [], {}, self.clock() + RETRY_SECONDS
        try:
            self.nvml.nvmlShutdown()
        except self.nvml.NVMLError as error:
            log.debug("the driver is gone already (%s)", error)


def _utilization(nvml: Any, handle: Any) -> Metrics:
    """Percent of the driver's last sample period in which a kernel ran."""
    return {"utilization": nvml.nvmlDeviceGetUtilizationRates(handle).gpu}


def _gpu_memory(nvml: Any, handle: Any) -> Metrics:
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return {"memory_bytes": _whole(memory.used), "memory_total_bytes": _whole(memory.total)}


def _temperature(nvml: Any, handle: Any) -> Metrics:
    return {"temperature_celsius": nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)}


def _power(nvml: Any, handle: Any) -> Metrics:
    return {"power_watts": round(nvml.nvmlDeviceGetPowerUsage(handle) / 1000, 1)}


def _power_limit(nvml: Any, handle: Any) -> Metrics:
    return {"power_limit_watts": nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000}


def _clocks(nvml: Any, handle: Any) -> Metrics:
    kinds = {"sm_clock_mhz": nvml.NVML_CLOCK_SM, "memory_clock_mhz": nvml.NVML_CLOCK_MEM}
    return {name: nvml.nvmlDeviceGetClockInfo(handle, kind) for name, kind in kinds.items()}


def _ecc(nvml: Any, handle: Any) -> Metrics:
    """Errors since the driver was loaded."""
    kinds = {"ecc_corrected": nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, "ecc_uncorrected": nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED}
    return {name: nvml.nvmlDeviceGetTotalEccErrors(handle, kind, nvml.NVML_VOLATILE_ECC) for name, kind in kinds.items()}


def _throttling(nvml: Any, handle: Any) -> Metrics:
    """1 while the clocks are held down for heat, or for power; the reasons' bits are NVML's."""
    reasons = nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)
    heat = nvml.nvmlClocksEventReasonSwThermalSlowdown | nvml.nvmlClocksThrottleReasonHwThermalSlowdown
    power = nvml.nvmlClocksEventReasonSwPowerCap | nvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown
    return {"throttled_by_heat": float(reasons & heat != 0), "throttled_by_power": float(reasons & power != 0)}


_GROUPS: Final[dict[str, Callable[[Any, Any], Metrics]]] = {
    "utilization": _utilization,
    "memory": _gpu_memory,
    "temperature": _temperature,
    "power": _power,
    "power_limit": _power_limit,
    "clocks": _clocks,
    "ecc": _ecc,
    "throttling": _throttling,
}
