"""Which lines are errors, as a table."""

import pytest

from services.monitor.error_lines import count_errors, is_error

ERRORS = [
    "Traceback (most recent call last):",
    "[rank3]: Traceback (most recent call last):",
    "ValueError: the batch does not divide",
    "AssertionError",
    "[rank0]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
    "[rank1]:[rank1]: torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:2356, unhandled system error",
    "  | KeyError: 'loss'",
    "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
    "subprocess.TimeoutExpired wrapped: urllib3.exceptions.HTTPError: x ERROR",
    "groundup.problems.SomeException: no",
    "KeyboardInterrupt",
    "ERROR:root:could not write",
    "2026-11-26 16:07:26,123 - trainer - ERROR - lost the connection",
    "2026-11-26T16:07:26Z CRITICAL disk full",
    "16:07 | FATAL | cannot go on",
    '{"level": "error", "msg": "gone"}',
    "ts=1 level=fatal msg=gone",
    "[error] worker 3 is away",
    "train.py: error: unrecognized arguments: --lr",
    "main.cu(12): error: identifier is undefined",
    "error: the file is not there",
    "fatal error: cuda.h: No such file or directory",
    "fatal: not a repository",
    "E1126 16:07:26.123000 4711 torch/distributed/elastic/multiprocessing/api.py:874] failed (exitcode: 1) local_rank: 0",
    "[rank0]:[E1126 16:07:26.123456 ProcessGroupNCCL.cpp:607] [Rank 0] Watchdog caught collective operation timeout",
    "RuntimeError: CUDA error: device-side assert triggered",
    "CUDA error: an illegal memory access was encountered",
    "ncclUnhandledCudaError: Call to CUDA function failed.",
    "host:1:2 [0] NCCL WARN Call to connect returned Connection refused, failed",
    "CUBLAS_STATUS_NOT_INITIALIZED when calling cublasCreate(handle)",
    "Assertion `index < size` failed.",
    "NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus",
    "terminate called after throwing an instance of 'std::bad_alloc'",
    "Out of memory: Killed process 4711 (python3)",
    "oom-kill:constraint=CONSTRAINT_MEMCG",
    "OSError: [Errno 12] Cannot allocate memory",
    "Segmentation fault (core dumped)",
    "Signal 11 (SIGSEGV) received by PID 4711",
    "Fatal Python error: Segmentation fault",
    "Bus error",
    "double free or corruption (!prev)",
    "write failed: No space left on device",
    "Killed",
    "Aborted (core dumped)",
    "nan in step 12 \0 ERROR \ufffd",
]
HARMLESS = [
    "",
    "step 12/600 loss 3.21 lr 3.0e-4",
    "0 errors",
    "finished with no errors, 0 warnings",
    "done: errors=0 retries=2",
    "fatal: 0",
    '{"errors": [], "error": null}',
    "error: 0.0132",
    "val error: 0.0132",
    "max abs error 1e-6 over 128 values",
    "error rate 3 %, error bars below",
    "reconstruction error = 0.3",
    "log level set to ERROR",
    "LOG_LEVEL=ERROR",
    "ERRORS_ALLOWED is 3",
    '    raise ValueError("the batch does not divide")',
    '  File "train.py", line 12, in main',
    "except RuntimeError as error:",
    "using TORCH_NCCL_ASYNC_ERROR_HANDLING=1",
    "W1126 16:07:26.123000 4711 torch/distributed/run.py:766] Setting OMP_NUM_THREADS",
    "I1126 16:07:26.123000 nothing to see",
    "NCCL WARN no plugin found, using internal network",
    "NCCL INFO cudaDriverVersion 12040",
    "CUDNN_STATUS_SUCCESS",
    "a critical temperature of the lattice",
    "trained to be fatalistic",
    "the sigmoid of the signal",
    "out of memory: false",
    "workers killed: 0",
    "room for the zoom of a broom",
    "E12 of 20 epochs",
]


@pytest.mark.parametrize("line", ERRORS)
def test_an_error(line: str) -> None:
    assert is_error(line)


@pytest.mark.parametrize("line", HARMLESS)
def test_no_error(line: str) -> None:
    assert not is_error(line)


def test_lines_are_counted_one_by_one() -> None:
    assert count_errors("\n".join(HARMLESS)) == 0
    assert count_errors("\n".join([*HARMLESS, *ERRORS, *HARMLESS])) == len(ERRORS)
    assert count_errors("fine\nE1126 16:07:26.1 api.py:1] bad\nfine") == 1
