"""What `/metrics` of the agent tells: its attempts, its events on their way, its host. docs/metrics.md has every name."""

import os
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from services.trainer.agent import Agent

_GPU: Final = {
    "utilization": ("groundup_gpu_utilization_ratio", "Share of the time in which the GPU computed", 0.01),
    "memory_bytes": ("groundup_gpu_memory_used_bytes", "Memory of the GPU in use", 1),
    "memory_total_bytes": ("groundup_gpu_memory_total_bytes", "Memory of the GPU", 1),
    "temperature_celsius": ("groundup_gpu_temperature_celsius", "Temperature of the GPU", 1),
    "power_watts": ("groundup_gpu_power_watts", "Power that the GPU draws", 1),
}
"""By the last part of `system/gpu.INDEX.NAME`: what it is called here, and what it is multiplied by."""

_BUSY: Final = ("user", "nice", "system", "irq", "softirq", "steal")
"""What psutil tells of, as far as the system has it. A guest's time is in `user` already; what is stolen is not to be had."""


class AgentFigures(Collector):
    def __init__(self, agent: "Agent") -> None:
        self.agent = agent

    def collect(self) -> Iterator[Any]:
        agent, shipper = self.agent, self.agent.host.shipper
        yield _gauge("groundup_agent_attempts", "Attempts on this host", len(agent.attempts))
        slots = GaugeMetricFamily("groundup_agent_slots", "Slots that this host offers", labels=["device"])
        for device, count in Tally(slot.device for slot in agent.slots).items():
            slots.add_metric([device], count)
        yield slots
        yield _gauge("groundup_agent_heartbeat_age_seconds", "Since the api answered a heartbeat last, or since the start", agent.silence)
        about = "Events sent to Redis, repeated ones included"
        yield CounterMetricFamily("groundup_agent_events_shipped", about, value=shipper.shipped)
        yield _gauge("groundup_agent_spool_waiting_bytes", "Events that Redis does not have yet", shipper.waiting_bytes())

    def describe(self) -> list[Any]:
        return []


class HostFigures(Collector):
    """`folder`: on the disk that is told of. Processor time is a counter: whoever looks chooses the time it is averaged over."""

    def __init__(self, folder: Path, cpu_times: Callable[[], Any] = psutil.cpu_times) -> None:
        self.folder, self.cpu_times = folder, cpu_times

    def collect(self) -> Iterator[Any]:
        busy = CounterMetricFamily("groundup_host_cpu_seconds", "Processor time of all cores", labels=["mode"])
        times = self.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        busy.add_metric(["idle"], idle)
        busy.add_metric(["busy"], sum(getattr(times, mode, 0.0) for mode in _BUSY))
        yield busy
        yield _gauge("groundup_host_cpus", "Cores", os.cpu_count() or 1)
        memory = psutil.virtual_memory()
        yield _gauge("groundup_host_memory_total_bytes", "Memory", memory.total)
        yield _gauge("groundup_host_memory_available_bytes", "Memory that can be had without swapping", memory.available)
        try:
            disk = psutil.disk_usage(str(self.folder))
        except OSError:  # it is not there yet, or not any more
            return
        yield _gauge("groundup_host_disk_total_bytes", "Size of the disk that the data folder is on", disk.total)
        yield _gauge("groundup_host_disk_free_bytes", "Free on it", disk.free)

    def describe(self) -> list[Any]:
        return []


class GpuFigures(Collector):
    """`newest`: the last sample of the host, named as its metrics are (`system/gpu.0.utilization`); empty where there is none."""

    def __init__(self, newest: Callable[[], Mapping[str, float]]) -> None:
        self.newest = newest

    def collect(self) -> Iterator[Any]:
        yield from gpu_families(self.newest())

    def describe(self) -> list[Any]:
        return []


def gpu_families(sample: Mapping[str, float]) -> list[GaugeMetricFamily]:
    """Of a sample of a host. A GPU is named by its index; what it does not tell is left out."""
    families = {name: GaugeMetricFamily(name, about, labels=["gpu"]) for name, about, _ in _GPU.values()}
    for name, value in sorted(sample.items()):
        group, _, figure = name.partition(".")
        index, _, figure = figure.partition(".")
        if group == "system/gpu" and figure in _GPU:
            known, _, factor = _GPU[figure]
            families[known].add_metric([index], value * factor)
    return list(families.values())


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)
