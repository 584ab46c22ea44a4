"""What a host says of itself: the real one by psutil, and GPUs by a stand-in for NVML."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

from services.trainer.readings import RETRY_SECONDS, Gpus, Readings, disk_counters

MIB = 1 << 20


class NvmlError(Exception): ...


class NotSupported(NvmlError): ...


class FakeNvml:
    """Two cards; `lacking` names functions that a card does not have, `broken` raises the driver's error from any, `lost` from those
    that ask of this card."""

    NVMLError, NVMLError_NotSupported, NVMLError_FunctionNotFound = NvmlError, NotSupported, NotSupported
    NVML_TEMPERATURE_GPU = NVML_CLOCK_SM = NVML_MEMORY_ERROR_TYPE_CORRECTED = NVML_VOLATILE_ECC = 0
    NVML_CLOCK_MEM = NVML_MEMORY_ERROR_TYPE_UNCORRECTED = 1
    nvmlClocksEventReasonSwThermalSlowdown, nvmlClocksThrottleReasonHwThermalSlowdown = 32, 64  # noqa: N815
    nvmlClocksEventReasonSwPowerCap, nvmlClocksThrottleReasonHwPowerBrakeSlowdown = 4, 128  # noqa: N815

    def __init__(self) -> None:
        self.lacking: set[str] = set()
        self.broken = False
        self.lost: int | None = None
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("nvml"):
            raise AttributeError(name)
        return lambda *arguments: self._answer(name, *arguments)

    def _answer(self, name: str, *arguments: Any) -> Any:
        self.asked.append(name)
        if self.broken or (arguments and arguments[0] == self.lost):
            raise NvmlError("the GPU has fallen off the bus")
        if name in self.lacking:
            raise NotSupported(name)
        answers: dict[str, Any] = {
            "nvmlDeviceGetCount": 2,
            "nvmlDeviceGetHandleByIndex": arguments[0] if arguments else None,
            "nvmlDeviceGetUUID": f"GPU-{arguments[0]}" if arguments else None,
            "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=97),
            "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=1000 * MIB + 5, total=2000 * MIB),
            "nvmlDeviceGetTemperature": 61,
            "nvmlDeviceGetPowerUsage": 301_234,
            "nvmlDeviceGetEnforcedPowerLimit": 700_000,
            "nvmlDeviceGetClockInfo": 1980 if arguments[-1:] == (0,) else 2619,
            "nvmlDeviceGetTotalEccErrors": 3 if arguments[1:2] == (0,) else 1,
            "nvmlDeviceGetCurrentClocksEventReasons": 64,
        }
        return answers.get(name)


def test_the_machine_is_read_in_flat_names(tmp_path: Path) -> None:
    readings = Readings(tmp_path, nvml=None)
    found = readings.sample()
    assert found["system/memory.total_bytes"] == psutil.virtual_memory().total // MIB * MIB
    assert 0 < found["system/memory.used_bytes"] < found["system/memory.total_bytes"]
    assert 0 < found["system/disk.free_bytes"] < found["system/disk.total_bytes"]
    assert 0 <= found["system/cpu.utilization"] <= found["system/cpu.busiest_core"] <= 100
    assert all(isinstance(value, float) for value in found.values())
    assert not [name for name in found if "gpu" in name]
    assert readings.gpu_ids == []


def test_rates_are_of_the_time_between_two_readings(tmp_path: Path) -> None:
    now = [0.0]
    readings = Readings(tmp_path, nvml=None, clock=lambda: now[0])
    readings.counters = {"network.receive": -3_000_000.0, "network.transmit": 1e18}
    now[0] = 3.0
    found = readings.sample()
    assert found["system/network.receive_bytes_per_second"] >= 1_000_000
    assert "system/network.transmit_bytes_per_second" not in found, "a counter that went back was reset"


def test_what_lies_on_a_disk_does_not_count_its_bytes_again(tmp_path: Path) -> None:
    counted = {name: SimpleNamespace(read_bytes=size) for name, size in {"sda": 7, "sda1": 7, "dm-0": 7, "c0d0": 1, "loop0": 3}.items()}

    def read(*, perdisk: bool = False) -> Any:
        return counted if perdisk else SimpleNamespace(read_bytes=17)

    assert [disk.read_bytes for disk in disk_counters(read, tmp_path)] == [17], "which are devices is not told"
    for device in ("sda", "c0d0"):
        (tmp_path / device / "device").mkdir(parents=True)
    (tmp_path / "dm-0").mkdir()
    assert [disk.read_bytes for disk in disk_counters(read, tmp_path)] == [7, 1]
    assert disk_counters(lambda **perdisk: {} if perdisk else None, tmp_path) == []


def test_a_reading_costs_little(tmp_path: Path) -> None:
    readings = Readings(tmp_path, nvml=None)
    began = time.process_time()
    for _ in range(20):
        readings.sample()
    assert (time.process_time() - began) / 20 < 0.005


def test_a_folder_that_is_gone_takes_no_other_reading_with_it(tmp_path: Path) -> None:
    found = Readings(tmp_path / "gone", nvml=None).sample()
    assert "system/disk.free_bytes" not in found
    assert "system/memory.used_bytes" in found


def test_gpus_are_read_by_index_and_named_by_uuid(tmp_path: Path) -> None:
    readings = Readings(tmp_path, nvml=FakeNvml())
    found = readings.sample()
    assert readings.gpu_ids == ["GPU-0", "GPU-1"]
    assert {name: found[f"system/gpu.1.{name}"] for name in ("utilization", "memory_bytes", "temperature_celsius", "power_watts")} == {
        "utilization": 97.0,
        "memory_bytes": 1000.0 * MIB,
        "temperature_celsius": 61.0,
        "power_watts": 301.2,
    }
    assert (found["system/gpu.0.ecc_corrected"], found["system/gpu.0.ecc_uncorrected"]) == (3.0, 1.0)
    assert (found["system/gpu.0.throttled_by_heat"], found["system/gpu.0.throttled_by_power"]) == (1.0, 0.0)
    assert (found["system/gpu.0.sm_clock_mhz"], found["system/gpu.0.memory_clock_mhz"]) == (1980.0, 2619.0)


def test_what_a_card_lacks_is_left_out_and_not_asked_for_again() -> None:
    nvml = FakeNvml()
    nvml.lacking = {"nvmlDeviceGetTotalEccErrors"}
    gpus = Gpus(nvml)
    assert "gpu.0.ecc_corrected" not in gpus.sample()
    nvml.asked.clear()
    assert "gpu.1.power_watts" in gpus.sample()
    assert "nvmlDeviceGetTotalEccErrors" not in nvml.asked


def test_a_driver_that_fails_is_left_alone_for_a_while(tmp_path: Path) -> None:
    nvml, now = FakeNvml(), [0.0]
    readings = Readings(tmp_path, nvml=nvml, clock=lambda: now[0])
    nvml.broken = True
    now[0] = 1.0
    found = readings.sample()
    assert "system/memory.used_bytes" in found
    assert not [name for name in found if "gpu" in name]
    assert readings.gpu_ids == []
    nvml.asked.clear()
    readings.sample()
    assert nvml.asked == []
    nvml.broken, now[0] = False, 2.0 + RETRY_SECONDS
    assert readings.sample()["system/gpu.0.utilization"] == 97.0


def indices(found: dict[str, float]) -> set[str]:
    return {name.split(".")[1] for name in found}


def test_a_card_that_is_lost_takes_no_other_one_with_it() -> None:
    nvml, now = FakeNvml(), [0.0]
    gpus = Gpus(nvml, clock=lambda: now[0])
    assert indices(gpus.sample()) == {"0", "1"}
    nvml.lost = 0
    assert indices(gpus.sample()) == {"1"}
    nvml.asked.clear()
    nvml.lost = None
    assert indices(gpus.sample()) == {"1"}, "it is left alone for a while"
    now[0] = RETRY_SECONDS
    assert indices(gpus.sample()) == {"0", "1"}
    assert gpus.ids == ["GPU-0", "GPU-1"]


def test_a_card_that_was_lost_from_the_beginning_keeps_its_place() -> None:
    nvml = FakeNvml()
    nvml.lost = 0
    gpus = Gpus(nvml)
    assert indices(gpus.sample()) == {"1"}
    assert gpus.ids == ["", "GPU-1"]


def test_where_there_is_no_driver_there_are_no_gpus(tmp_path: Path) -> None:
    nvml = FakeNvml()
    nvml.broken = True
    assert not [name for name in Readings(tmp_path, nvml=nvml).sample() if "gpu" in name]
