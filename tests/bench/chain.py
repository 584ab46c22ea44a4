"""A run as a chain of attempts, each killed at some point and each going on from the newest committed checkpoint of those before.

Children are torchrun's, or forks (forks.py), started and ended by the agent's own code; checkpoints travel through a real courier, in a
process of its own, and are fetched and verified as an agent does it.
"""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Final, Literal

import numpy as np
import psutil
from numpy.typing import NDArray

from services.trainer import prepare
from services.trainer.children import Child, child_environment, start, torchrun
from services.trainer.host import Command
from services.trainer.rundir import AttemptOrder, RunDirectory, TokenFiles
from services.trainer.spool import read_spool
from services.trainer.transfers import Transfers
from shared.commands import JournalEntry
from shared.conversation import CheckpointRef, Claim
from shared.events import AnyEvent
from shared.spec import RunSpec
from shared.training_events import EvaluationCompleted, StepCompleted
from tests.bench.carrier import host
from tests.e2e.stack import ROOT
from tests.trainer.platform import make_claim
from tests.trainer.runs import END_OF_TEXT, encode, tokenizer, write_tokens

ATTEMPT_SECONDS: Final = 120.0
TORCHRUN: Final[Command] = partial(torchrun, sys.executable)
Ended = Literal["killed", "finished"]


def packed_documents() -> NDArray[Any]:
    """Short texts one behind the other, each with its end mark, of which windows hold several."""
    documents = [encode("".join(f"{n} times {factor} is {n * factor}. " for factor in range(n % 4 + 1))) for n in range(90)]
    return np.concatenate([np.append(document, END_OF_TEXT) for document in documents]).astype("<u2")


@dataclass(frozen=True)
class Kill:
    """place: a crash point, or `a moment`: then a rank chosen at random is killed so long after its first step. count: which time there."""

    place: str
    count: int
    moment: float = 0.0

    @property
    def setting(self) -> dict[str, str]:
        return {} if self.place == "a moment" else {"CRASH_AT": f"{self.place}:{self.count}"}

    @property
    def of_the_agent(self) -> bool:
        return self.place.startswith(("upload.", "commit."))


class Chain:
    """One run in `root`. `attempts`: the run directories in order; `restored`: what each went on from, of what was committed then.

    `journal`: what the next attempt is told of the run's changes. `meanwhile`: called again and again while an attempt runs.
    """

    def __init__(self, root: Path, url: str, command: Command = TORCHRUN) -> None:
        self.root, self.host, self.url, self.command = root, host(root, url), url, command
        self.attempts: list[RunDirectory] = []
        self.restored: list[CheckpointRef | None] = []
        self.restored_from: list[list[CheckpointRef]] = []
        self.journal: list[JournalEntry] = []
        self.meanwhile: Callable[[RunDirectory], object] = _nothing

    def attempt(self, spec: RunSpec, kill: Kill | None = None, command: Command | None = None) -> Ended:
        """The next one. Raises AssertionError where it ends in a way nobody asked for."""
        directory, claim = self._set_up(spec)
        processes = spec.compute.processes_per_node
        told = kill.setting if kill else {}
        environ = {**os.environ, **({} if kill and kill.of_the_agent else told)}
        marked = child_environment(environ, f"{claim.attempt_id}-{os.getpid()}", [], 1)
        with self._carrier(claim, told if kill and kill.of_the_agent else {}) as carrier:
            child = start((command or self.command)(directory.root, processes, claim.attempt_id), directory, marked, processes)
            try:
                _watch(child, carrier, kill, self.meanwhile)
            finally:
                child.kill()
            died = not directory.outcome.exists()
            assert carrier.stdin is not None
            carrier.stdin.close()
            code = carrier.wait(ATTEMPT_SECONDS)
        if died and code != -signal.SIGKILL and not (kill and is_kill(child)):
            raise AssertionError((child.death(), directory.log(0).read_text()))
        if code == -signal.SIGKILL:
            return "killed"
        assert code == 0, f"the courier ended with {code}"
        return "killed" if died else "finished"

    def _set_up(self, spec: RunSpec) -> tuple[RunDirectory, Claim]:
        number = len(self.attempts) + 1
        commits = self.commits()
        claim = make_claim(f"att_{number}", spec=spec, attempt=number, fence=number, checkpoints=commits)
        directory = RunDirectory(self.host.attempts_folder / claim.attempt_id)
        fill(directory, spec, number, self.journal)
        restored = prepare._restore(self.host, claim, directory, Transfers(self.host.http, Event()), _never)
        self.attempts.append(directory)
        self.restored.append(restored)
        self.restored_from.append(commits)
        return directory, claim

    def commits(self) -> list[CheckpointRef]:
        return self.host.api.newest_first()  # type: ignore[attr-defined, no-any-return]

    def measured(self) -> dict[int, dict[str, float]]:
        """Metrics of each step's checkpoints, as the api would have them."""
        return self.host.api.measured()  # type: ignore[attr-defined, no-any-return]

    def stored(self, checkpoint: CheckpointRef) -> Path:
        """A committed checkpoint's files, as they lie in the store."""
        return self.root / "store" / checkpoint.id

    @contextlib.contextmanager
    def _carrier(self, claim: Claim, told: dict[str, str]) -> Any:
        command = [sys.executable, "-m", "tests.bench.carrier", str(self.root), self.url, claim.model_dump_json()]
        carrier = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT, env={**os.environ, **told})
        try:
            yield carrier
        finally:
            carrier.kill()
            carrier.wait()


def is_kill(child: Child) -> bool:
    """And not any other death; also where the first that was seen to end is a rank that lost the killed one."""
    return child.end()[0] == -signal.SIGKILL or bool(re.search("Connection (closed|reset) by peer", child.death()))


def fill(directory: RunDirectory, spec: RunSpec, number: int, journal: Sequence[JournalEntry]) -> None:
    """A run directory, but for what to go on from."""
    directory.root.mkdir(parents=True)
    data: TokenFiles = write_tokens(directory.tokens, packed_documents())
    tokenizer().save(str(directory.tokenizer))
    order = AttemptOrder(run_id="run_a", attempt=number, fence=number, spec=spec, device="cpu", data=data, journal=list(journal))
    directory.order.write_text(order.model_dump_json())


def _watch(child: Child, carrier: "subprocess.Popen[bytes]", kill: Kill | None, meanwhile: Callable[[RunDirectory], object]) -> None:
    """Until the launcher has ended, or has seen one of its ranks die, or the courier is dead."""
    begin, first_step = time.monotonic(), 0.0
    while child.running():
        now = time.monotonic()
        assert now < begin + ATTEMPT_SECONDS, "an attempt does not end"
        if carrier.poll() is not None or child.failing():
            return
        meanwhile(child.directory)
        if kill and kill.place == "a moment":
            first_step = first_step or (now if losses(child.directory) else 0.0)
            if first_step and now > first_step + kill.moment and child.ranks:
                with contextlib.suppress(psutil.NoSuchProcess):  # it was quicker: that is no kill, and is not counted as one
                    random.Random(kill.moment).choice(list(child.ranks.values())).kill()
        time.sleep(0.01)


def _nothing(_directory: RunDirectory) -> None:
    """Nobody asks."""


def _never(line: str) -> None:
    raise AssertionError(f"a sound checkpoint was refused: {line}")


def events(directory: RunDirectory) -> list[AnyEvent]:
    return [record.event for record in read_spool(directory.spool, 0)[0]] if directory.spool.exists() else []


def losses(directory: RunDirectory) -> dict[int, float]:
    return {event.step: event.metrics["train/loss"] for event in events(directory) if isinstance(event, StepCompleted)}


def evaluations(directory: RunDirectory) -> dict[int, float]:
    return {event.step: event.metrics["val/loss"] for event in events(directory) if isinstance(event, EvaluationCompleted)}
