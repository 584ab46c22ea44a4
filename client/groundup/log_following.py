"""Keeping up with a run's log by asking about it, over restarts of the server."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from groundup.client import Client
from groundup.history import LogLine
from groundup.problems import ApiProblem, Unreachable


@dataclass(frozen=True)
class Question:
    """Which lines: of one process, with a text, that tell an error."""

    rank: int | None = None
    find: str | None = None
    errors: bool = False


@dataclass(frozen=True)
class News:
    """Lines that are new. `lost`: why the server could not be asked just now; '' where it answered."""

    lines: list[LogLine]
    lost: str = ""


class LogFollower:
    """`client` should not retry by itself, so that a lost server is told at once.

    line: where to begin; interval: seconds between two looks; patience: seconds to wait for a server to come back.
    """

    def __init__(
        self,
        client: Client,
        run_id: str,
        question: Question,
        *,
        line: int = 0,
        interval: float = 1.0,
        patience: float = 900,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client, self.run_id, self.question, self.line = client, run_id, question, line
        self.interval, self.patience, self.sleep = interval, patience, sleep

    def news(self) -> Iterator[News]:
        """Until the run has ended and its last lines are in. Raises what the server refuses, and Unreachable after `patience`."""
        heard, last_look = time.monotonic(), False
        while True:
            more = False
            try:
                ended = last_look or self.client.runs.get(self.run_id).finished
                lines, self.line, more = self._ask()
                heard, lost = time.monotonic(), ""
            except (Unreachable, ApiProblem) as error:
                if (isinstance(error, ApiProblem) and not error.temporary) or time.monotonic() - heard > self.patience:
                    raise
                ended, lines, lost = last_look, [], error.detail
            yield News(lines, lost)
            if more:
                continue
            if last_look and not lost:
                return
            last_look = ended
            self.sleep(self.interval)

    def _ask(self) -> tuple[list[LogLine], int, bool]:
        asked = self.question
        return self.client.history.log_page(self.run_id, self.line, rank=asked.rank, find=asked.find, errors=asked.errors)
