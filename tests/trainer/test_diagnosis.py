"""What processes die of, by name."""

import signal
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from services.trainer import diagnosis
from services.trainer.diagnosis import diagnose, memory_kills
from services.trainer.naming import named
from services.trainer.room import NO_ROOM
from services.trainer.rundir import RunDirectory
from services.trainer.watchdog import Watchdog
from shared.errors import InvalidField
from shared.failures import Failure, FailureKind


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    (tmp_path / "logs").mkdir()
    return RunDirectory(tmp_path)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), "out_of_device_memory"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:125] . DefaultCPUAllocator: can't allocate memory: you tried"), "out_of_memory"),
        (OSError(28, "No space left on device"), "disk_full"),
        (dist.DistBackendError("NCCL communicator was aborted on rank 1"), "collective_timeout"),
        (RuntimeError("[../gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:4711"), "collective_timeout"),
        (RuntimeError("Timed out waiting 1800000ms for recv operation to complete"), "collective_timeout"),
        (IndexError("index out of range in self"), "data_error"),
        (InvalidField("dataset", "its shards hold 3 tokens, 4 were promised"), "data_error"),
        (RuntimeError("CUDA error: out of memory"), "out_of_device_memory"),
        (RuntimeError("CUDA error: device-side assert triggered"), "data_error"),
        (RuntimeError("Application timeout caused pair closure"), "collective_timeout"),
        (IndexError("list index out of range"), "crash"),
        (RuntimeError("something else"), "crash"),
    ],
)
def test_an_exception_is_named_where_it_happens(error: Exception, kind: str) -> None:
    failure = named(error)
    assert failure.kind == kind
    assert type(error).__name__ in failure.message


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", "out_of_device_memory"),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "out_of_memory"),
        (
            "[E1126 ProcessGroupNCCL.cpp:616] [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=7)",
            "collective_timeout",
        ),
        ("OSError: [Errno 28] No space left on device", "disk_full"),
        ("ValueError: three is too many", "crash"),
    ],
)
def test_a_log_tells_what_nobody_said(directory: RunDirectory, line: str, kind: str) -> None:
    directory.log(0).write_text(f"step 1\n{line}\n")
    assert diagnose(directory, 1, 1, 0, "rank 0 ended with exit code 1").kind == kind


def test_the_one_that_ran_out_of_memory_counts_and_not_those_that_waited_for_it(directory: RunDirectory) -> None:
    for rank, kind in enumerate((FailureKind.COLLECTIVE_TIMEOUT, FailureKind.OUT_OF_MEMORY, FailureKind.COLLECTIVE_TIMEOUT)):
        directory.failure(rank).write_text(Failure.of(kind, f"of rank {rank}").model_dump_json())
    assert diagnose(directory, 3, 1, 0, "rank 0 ended").message == "of rank 1"


@pytest.mark.parametrize(
    ("code", "line", "kind"), [(-11, "step 1", "crash"), (-6, "std::bad_alloc", "out_of_memory"), (1, "step 1", "collective_timeout")]
)
def test_the_one_that_a_signal_ended_counts_and_not_those_that_waited_for_it(
    directory: RunDirectory, code: int, line: str, kind: str
) -> None:
    directory.failure(0).write_text(Failure.of(FailureKind.COLLECTIVE_TIMEOUT, "of rank 0").model_dump_json())
    directory.log(1).write_text(line)
    failure = diagnose(directory, 2, code, 1, "rank 1 ended")
    assert failure.kind == kind
    assert failure.message == ("of rank 0" if kind == "collective_timeout" else "rank 1 ended")


def test_a_signal_and_a_full_disk_are_told_by_the_exit_code(directory: RunDirectory) -> None:
    assert diagnose(directory, 1, -signal.SIGKILL, 0, "rank 0 was killed by signal 9").kind == "killed_by_system"
    assert diagnose(directory, 1, NO_ROOM, 0, "rank 0 ended").kind == "disk_full"


def test_the_watchdog_allows_twenty_times_the_longest_silence() -> None:
    dog = Watchdog(limit=10)
    for second, signs in enumerate((0, 1, 2, 3)):
        dog.see(second, signs, stepped=True, still=False)
    dog.see(5, 4, stepped=True, still=False)  # a silence of 2 s
    assert not dog.is_hanging(5 + 40)
    assert dog.is_hanging(5 + 40.1)
    dog.see(60, 4, stepped=True, still=True)
    assert not dog.is_hanging(61), "what stands still on purpose is not silent"


def test_the_first_step_may_take_three_times_as_long() -> None:
    dog = Watchdog(limit=10)
    dog.see(0, 0, stepped=False, still=False)
    dog.see(1, 1, stepped=False, still=False)  # it has started
    assert not dog.is_hanging(30)
    assert dog.is_hanging(31.1)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (2, 3, "the kernel has killed 1 process(es) here for want of memory meanwhile"),
        (2, 2, "who else sends signals"),
        (None, 2, "by Groundup"),
    ],
)
def test_what_the_kernel_counts_is_told(
    directory: RunDirectory, monkeypatch: pytest.MonkeyPatch, before: int | None, after: int, told: str
) -> None:
    monkeypatch.setattr(diagnosis, "memory_kills", lambda: after)
    failure = diagnose(directory, 1, -signal.SIGKILL, 0, "rank 0 was killed by signal 9", kills_before=before)
    assert failure.kind == "killed_by_system"
    assert told in failure.message


@pytest.mark.parametrize(("text", "kills"), [("low 0\noom 4\noom_kill 3\n", 3), ("low 0\n", None), ("nonsense", None), (None, None)])
def test_the_count_of_the_control_group(tmp_path: Path, text: str | None, kills: int | None) -> None:
    if text is not None:
        (tmp_path / "events").write_text(text)
    assert memory_kills(tmp_path / "events") == kills


def test_a_host_that_stood_still_is_no_silence_of_the_training() -> None:
    dog = Watchdog(limit=10)
    for second in range(4):
        dog.see(second, second, stepped=True, still=False)
    dog.see(1000, 3, stepped=True, still=False)  # nobody looked for 997 s
    assert not dog.is_hanging(1000)
    for second in range(1001, 1022):
        dog.see(second, 3, stepped=True, still=False)
    assert dog.is_hanging(1021)
