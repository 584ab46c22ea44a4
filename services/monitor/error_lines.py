"""Which lines of a log are errors: by how Python, its logging, torch, CUDA, NCCL, the C library and the kernel write them.

Decided once, here, when a line is taken in and when it is read; everybody else is told. Line by line: what a traceback says between its
beginning and its last line counts as neither.
"""

import re
from typing import Final

_PREFIX: Final = r"^(?:\[[^\]]{1,40}\]:? ?)*[ |+-]*"
"""What a launcher puts before a line (`[rank0]: `), and the bars of an exception group."""
_SOURCES: Final = (
    # How a line is written that tells no error, though it has the words: taken out first.
    r"\b(?:no|0|zero|without(?: any)?)\s+(?:critical\s+|fatal\s+)?(?:errors?|exceptions?)\b",
    r"\b(?:errors?|fatal|critical)\b[\"']?\s*[=:]\s*(?:\[\]|0\b(?!\.)|none\b|null\b|false\b)",
    r"\blog(?:ging)?[ _.-]?level\b(?:\s*(?:is|to|set to|=|:))?\s*[\"']?(?:error|critical|fatal)\b",
    r"\bout of memory\s*[=:]\s*(?:0\b|false\b)",
)
_HARMLESS: Final = re.compile("|".join(_SOURCES), re.IGNORECASE)
_NUMBER_ONLY: Final = r"(?!\s*[-+]?[\d.]+(?:e[-+]?\d+)?\s*%?\s*$)"
"""`error: 0.013` is a measurement."""

_GLOG: Final = re.compile(r"^(?:\[[^\]]{1,40}\]:? ?)*\[?[EF]\d{3,4} \d\d:\d\d:\d\d")
"""`E1126 16:07:26.123 ... api.py:874]`, as torch's launcher and NCCL's watchdog write: no word, but always a place in a source file."""
_KINDS: Final[dict[str, re.Pattern[str]]] = {
    # A word that the line must hold, in lower case, which is quick to look for -> how the line must be written.
    "traceback": re.compile(r"\bTraceback \(most recent call (?:last|first)\)"),
    "error": re.compile(
        rf"{_PREFIX}(?:[A-Za-z_]\w*\.)*[A-Za-z_]*Error(?::\s|:?$)"  # the last line of a traceback
        r"|\bERROR\b"
        rf"|(?:^|[\]):|>]\s*|\bfatal )error:{_NUMBER_ONLY}|^Error:{_NUMBER_ONLY}"
        r"|[\[(<]error[\])>]|\b(?:level|lvl|severity|levelname)[\"']?\s*[=:]\s*[\"']?error\b"
        r"|\b(?:CUDA|NCCL|HIP|ROCm|RCCL|cuDNN|cuBLAS|gloo|driver|system|internal|remote|[Bb]us|ECC)\s+error\b|\bnccl\w*Error\b"
        r"|\bFatal Python error\b|\buncorrectable\b.{0,40}\berrors?\b",
        re.MULTILINE,
    ),
    "exception": re.compile(
        rf"{_PREFIX}(?:[A-Za-z_]\w*\.)*[A-Za-z_]*Exception(?:Group)?(?::\s|:?$)|\bUnhandled exception\b|\buncaught exception\b"
        r"|\bFloating point exception\b|\bterminate called after throwing\b",
        re.IGNORECASE,
    ),
    "keyboardinterrupt": re.compile(rf"{_PREFIX}KeyboardInterrupt\b"),
    "critical": re.compile(r"\bCRITICAL\b|[\[(<]critical[\])>]|\b(?:level|lvl|severity|levelname)[\"']?\s*[=:]\s*[\"']?critical\b"),
    "fatal": re.compile(r"\bFATAL\b|^\s*fatal:|[\[(<]fatal[\])>]|\b(?:level|lvl|severity|levelname)[\"']?\s*[=:]\s*[\"']?fatal\b"),
    "out of memory": re.compile(r"\bout of memory\b", re.IGNORECASE),
    "oom": re.compile(r"\boom[-_ ]?kill(?:ed|er)?\b", re.IGNORECASE),
    "bad_alloc": re.compile(r"\bstd::bad_alloc\b"),
    "cannot allocate memory": re.compile(r"\bcannot allocate memory\b", re.IGNORECASE),
    "segmentation fault": re.compile(r"\bsegmentation fault\b", re.IGNORECASE),
    "sig": re.compile(r"\bSIG(?:SEGV|ABRT|BUS|FPE|ILL|KILL)\b"),
    "core dumped": re.compile(r"\bcore dumped\b", re.IGNORECASE),
    "illegal": re.compile(r"\billegal (?:memory access|instruction)\b", re.IGNORECASE),
    "assert": re.compile(r"\bdevice-side assert triggered\b|\bAssertion [`'\"].* failed\b"),
    "_status_": re.compile(r"\bCU(?:BLAS|DNN|SPARSE|SOLVER|FFT)_STATUS_(?!SUCCESS\b)\w+"),
    "nccl warn": re.compile(r"\bNCCL WARN\b.*(?:fail|error|timed? ?out|abort)", re.IGNORECASE),
    "watchdog": re.compile(r"\bWatchdog caught\b|\bwatchdog\b.{0,60}\btimed? ?out\b", re.IGNORECASE),
    "xid": re.compile(r"\bNVRM: Xid\b"),
    "corruption": re.compile(r"\b(?:double free or corruption|corruption \(|heap corruption)", re.IGNORECASE),
    "no space left": re.compile(r"\bno space left on device\b", re.IGNORECASE),
    "killed": re.compile(r"^\s*Killed\s*$"),
    "aborted": re.compile(r"^\s*Aborted\b"),
    **dict.fromkeys((".py:", ".cpp:", ".cc:", ".hpp:", ".cu:"), _GLOG),
}


def is_error(line: str) -> bool:
    lowered = line.lower()
    hinted = [pattern for hint, pattern in _KINDS.items() if hint in lowered]
    if not hinted:
        return False
    told = _HARMLESS.sub("", line)
    return any(pattern.search(told) for pattern in hinted)


def count_errors(text: str) -> int:
    """Of lines joined by newlines. Most text holds none of the words, and then no line is looked at."""
    lowered = text.lower()
    return sum(map(is_error, text.split("\n"))) if any(hint in lowered for hint in _KINDS) else 0
