"""Parts of the bench beside each other, each in a process of its own: some of them mostly wait, others compute."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

BEHIND: Final = 19
"""The niceness of what only computes: it takes what the others leave, and does not disturb the times that they measure."""
T = TypeVar("T")
_CONTEXT: Final = multiprocessing.get_context("spawn")


@contextmanager
def lane(work: Callable[..., T], *arguments: Any, nice: int = 0) -> Iterator[Callable[[], T]]:
    """`work(*arguments)`, begun. Yields what waits for its result, and raises ChildProcessError where it broke. With the block it ends."""
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_work, args=(theirs, nice, work, arguments))
    process.start()
    theirs.close()

    def result() -> T:
        try:
            found: T = ours.recv()
        except EOFError as error:
            raise ChildProcessError(f"{work.__name__} broke; what it said is above") from error
        process.join()
        return found

    try:
        yield result
    finally:
        process.terminate()
        process.join()
        ours.close()


def _work(told: Connection, nice: int, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    os.nice(nice)
    told.send(work(*arguments))


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
