"""What the trainers logged: every segment of the spools of each attempt, the agent's too, and the logs of its ranks, under a second name
from the moment they are there."""

import contextlib
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.trainer.spool import read_spool, segments
from shared.events import Record
from shared.training_events import EventsDropped, LogWritten, StepCompleted, TrainingStarted

LOOK_SECONDS: Final = 0.05
SPOOLS: Final = ("spool", "agent.spool")
_KEPT: Final = re.compile(r"(agent\.)?spool(\.\d+|\.refused)?|rank\d+\.log")
_RANK: Final = re.compile(r"rank(\d+)\.log")


class Keeper:
    """A thread that links the files of all `workers` (their folders) into `folder`, one folder an attempt."""

    def __init__(self, workers: Sequence[Path], folder: Path) -> None:
        self.workers, self.folder = workers, folder
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True, name="keeper")

    def __enter__(self) -> "Keeper":
        self.folder.mkdir(exist_ok=True)
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stopping.set()
        self.thread.join()

    def _run(self) -> None:
        while not self.stopping.wait(LOOK_SECONDS):
            self._look("attempts")

    def look(self) -> None:
        """Also at attempts that are over, whose spools stay for long in a folder beside."""
        for folder in ("attempts", "spools"):
            self._look(folder)

    def _look(self, folder: str) -> None:
        for worker in self.workers:
            for attempt in worker.glob(f"{folder}/*"):
                for file in (*attempt.glob("spool*"), *attempt.glob("agent.spool*"), *attempt.glob("logs/rank*.log")):
                    if _KEPT.fullmatch(file.name):
                        self._link(file, self.folder / attempt.name / file.name)

    def _link(self, file: Path, kept: Path) -> None:
        """An attempt may begin once more, in a new folder, where it had come to nothing: then its first file is empty."""
        kept.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if kept.exists() and not kept.stat().st_size and not kept.samefile(file):
                kept.unlink()
            with contextlib.suppress(FileExistsError):
                kept.hardlink_to(file)


@dataclass
class Said:
    """Of one attempt. `spools`: records of rank 0 and of the agent, in order; none where no such file was kept. `refused`: of each, the
    last event taken before a fence refused it. `logs`: by rank, what it wrote. `trained`: the api says that it ran. `segments`: files."""

    attempt: int
    spools: dict[str, list[Record]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    logs: dict[int, bytes] = field(default_factory=dict)
    trained: bool = True
    damage: str = ""
    segments: int = 0

    @classmethod
    def read(cls, attempt: int, folder: Path, *, trained: bool) -> "Said":
        said = cls(attempt, trained=trained)
        for name in SPOOLS:
            found = segments(folder / name)
            said.segments += len(found)
            if found and found[0][0] > 0:
                said.damage = f"its {name} begins at byte {found[0][0]}"
            try:
                said.spools |= {name: read_spool(folder / name, 0)[0]} if found else {}
            except ValueError as error:
                said.damage = str(error)
            note = folder / f"{name}.refused"
            said.refused |= {name: int(note.read_text())} if note.exists() else {}
        for log in folder.glob("rank*.log"):
            if match := _RANK.fullmatch(log.name):
                said.logs[int(match[1])] = log.read_bytes()
        return said

    @property
    def records(self) -> list[Record]:
        return [record for name in SPOOLS for record in self.spools.get(name, [])]


def unsaid(said: Said, *, last: bool) -> Iterator[str]:
    """What an attempt's spools do not have and no EventsDropped tells of. `last`: nothing cut it short."""
    if said.damage:
        yield said.damage
    if said.trained and not said.spools.get("spool"):
        yield "it trained, and no spool of it was kept"
    for name, records in said.spools.items():
        numbers = [record.producer_seq for record in records]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"its {name} does not number its events from 1 on without holes"
    yield from _unsaid_steps(said.spools.get("spool", []))
    for rank, log in sorted(said.logs.items()):
        yield from _unsaid_lines(said.spools.get("agent.spool", []), rank, log, last=last)


def _unsaid_steps(records: Sequence[Record]) -> Iterator[str]:
    """Steps follow each other, but for those that were left out, as many as are told."""
    before: int | None = None
    gaps: list[EventsDropped] = []
    for record in records:
        event = record.event
        if isinstance(event, TrainingStarted):
            before = event.first_step - 1
        elif isinstance(event, EventsDropped):
            gaps.append(event)
        elif isinstance(event, StepCompleted):
            missing = range(event.step if before is None else before + 1, event.step)
            told = {step for gap in gaps for step in range(gap.first_step or 1, (gap.last_step or 0) + 1)}
            if not told.issuperset(missing) or sum(gap.count for gap in gaps) < len(missing):
                yield f"steps {missing[0]} to {missing[-1]} are not in its spool, and no EventsDropped there tells of them"
            if before is not None and event.step <= before:
                yield f"step {event.step} is in its spool behind {before}"
            before, gaps = event.step, []


def _unsaid_lines(notes: Sequence[Record], rank: int, log: bytes, *, last: bool) -> Iterator[str]:
    """The agent tells a rank's log piece by piece; between two pieces nothing is left out but what is told."""
    at, gap = 0, False
    for record in notes:
        event = record.event
        gap = gap or isinstance(event, EventsDropped)
        if not isinstance(event, LogWritten) or event.rank != rank or event.offset is None:
            continue
        there = lines_of(log[at : event.offset])
        whole = event.lines == there or (gap and event.lines == there[-len(event.lines) :])
        if not whole:
            yield f"the log of rank {rank} has {len(there)} lines at byte {at}, and {len(event.lines)} other ones were told"
        at, gap = event.offset, False
    if last and not gap and at < len(log):
        yield f"the log of rank {rank} has {len(lines_of(log[at:]))} lines from byte {at} on that were not told"


def lines_of(text: bytes) -> list[str]:
    """As docs/events.md says that lines are told, but for very long ones, which no training here writes."""
    lines = text.removesuffix(b"\n").split(b"\n")
    return [line.rstrip(b"\r").rsplit(b"\r", 1)[-1].decode(errors="replace") for line in lines] if text else []
