"""Keeping up with a run by asking about it once a second, over restarts of the server and of the run."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from groundup.client import Client
from groundup.history import Event
from groundup.problems import ApiProblem, Unreachable
from groundup.runs import Attempt, Run

_LOSS: Final = "train/loss"
_SPEED: Final = "perf/tokens_per_second"
_NEWS: Final = ("EvaluationCompleted", "CheckpointCommitted")


@dataclass(frozen=True)
class View:
    """The run at one moment. `news`: a line for each evaluation, checkpoint and restart since the last view.
    `lost`: why the server could not be asked just now; '' where it answered.
    """

    run: Run | None
    step: int = 0
    steps: int = 0
    loss: float | None = None
    tokens_per_second: float | None = None
    eta_seconds: float | None = None
    news: list[str] = field(default_factory=list)
    lost: str = ""

    @property
    def status(self) -> str:
        if self.run is None:
            return "connecting"
        return f"{self.run.state}: {self.run.reason}" if self.run.reason and self.run.state != "running" else self.run.state


class Follower:
    """`client` should not retry by itself, so that a lost server is told at once. patience: seconds to wait for it to come back."""

    def __init__(
        self, client: Client, run_id: str, *, interval: float = 1.0, patience: float = 900, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.client, self.run_id, self.interval, self.patience, self.sleep = client, run_id, interval, patience, sleep
        self.view = View(None)
        self.attempt, self.step = 0, 0
        self.loss: float | None = None
        self.tokens_per_second: float | None = None
        self.pace: tuple[float, int] | None = None
        self.news: list[str] = []
        self.cursors: dict[str, str | None] = dict.fromkeys(_NEWS)
        self.seen: set[tuple[int | None, str, int]] = set()

    def views(self) -> Iterator[View]:
        """Until the run has ended and its last events are in. Raises what the server refuses, and Unreachable after `patience`."""
        heard, last_look = time.monotonic(), False
        while True:
            try:
                self.view = self._look()
                heard = time.monotonic()
            except (Unreachable, ApiProblem) as error:
                if (isinstance(error, ApiProblem) and not error.temporary) or time.monotonic() - heard > self.patience:
                    raise
                self.view = self._without_answer(error.detail)
            yield self.view
            if last_look and not self.view.lost:
                return
            last_look = last_look or (self.view.run is not None and self.view.run.finished)
            self.sleep(self.interval)

    def _look(self) -> View:
        run = self.client.runs.get(self.run_id)
        if run.attempts:
            self._note_restarts(run)
            self._note_history(run)
        news, self.news = self.news, []
        told = run.progress
        step = told.step if run.finished else self.step
        eta = None if run.finished or not run.attempts else self._eta(step, told.steps)
        loss = told.loss if self.loss is None else self.loss
        speed = told.tokens_per_second if self.tokens_per_second is None else self.tokens_per_second
        return View(run, step, told.steps, loss, speed, eta, news)

    def _without_answer(self, why: str) -> View:
        last = self.view
        return View(last.run, last.step, last.steps, last.loss, last.tokens_per_second, last.eta_seconds, lost=why)

    def _note_restarts(self, run: Run) -> None:
        for attempt in run.attempts:
            if attempt.attempt <= self.attempt:
                continue
            self.attempt, self.step, self.pace = attempt.attempt, attempt.resume_step or 0, None
            if attempt.attempt > 1:
                self.news.append(_restart(attempt, run.attempts))

    def _note_history(self, run: Run) -> None:
        """A run that has ended is not waited for because of its history."""
        try:
            self._note_points()
            for kind in _NEWS:
                self._note_events(kind)
        except (Unreachable, ApiProblem):
            if not run.finished:
                raise

    def _note_points(self) -> None:
        """The newest attempt's last metric points; they are fresher than the progress that heartbeats bring."""
        for series in self.client.history.metrics(self.run_id, [_LOSS, _SPEED], start=self.step, attempts="all"):
            if series.attempt != self.attempt or not series.x:
                continue
            if series.name == _LOSS:
                self.step, self.loss = max(self.step, int(series.x[-1])), series.last[-1]
            else:
                self.tokens_per_second = series.last[-1]

    def _note_events(self, kind: str) -> None:
        """Those not seen before, from the last page on that was read; pages before it do not change."""
        cursor = self.cursors[kind]
        while True:
            events, following = self.client.history.event_page(self.run_id, type=kind, cursor=cursor)
            for event in events:
                place = (event.attempt, event.producer, event.producer_seq)
                if place not in self.seen:
                    self.seen.add(place)
                    self.news.append(_told(event))
            if not following:
                return
            cursor = self.cursors[kind] = following

    def _eta(self, step: int, steps: int) -> float | None:
        """Seconds, from the pace since the attempt's first step that was seen."""
        now = time.monotonic()
        if self.pace is None:
            self.pace = (now, step)
        since, first = self.pace
        return (steps - step) * (now - since) / (step - first) if step > first else None


def _restart(attempt: Attempt, attempts: list[Attempt]) -> str:
    before = next((other.reason for other in attempts if other.attempt == attempt.attempt - 1 and other.reason), None)
    where = f"from step {attempt.resume_step}" if attempt.resume_step else "from the start"
    return f"restart: attempt {attempt.attempt} {where}" + (f" ({before})" if before else "")


def _told(event: Event) -> str:
    body = event.event
    if body["type"] == "EvaluationCompleted":
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in body["metrics"].items() if isinstance(value, int | float))
        return f"step {body['step']}: evaluation  {metrics}"
    return f"step {body['step']}: checkpoint {body['checkpoint_id']} ({body['bytes'] / 1e6:.1f} MB)"
