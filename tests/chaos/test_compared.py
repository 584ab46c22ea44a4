"""The comparison of history and spools finds what it is there to find: two good attempts, and each of their mutations."""

import copy
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.trainer.spool import SpoolWriter, segments
from shared.events import AnyEvent, Record
from shared.training_events import CheckpointSaved, EventsDropped, LogWritten, StepCompleted, TrainingStarted
from tests.chaos.compared import unlike_the_outbox, unlike_the_spools
from tests.chaos.kept import Kept
from tests.chaos.spools import Keeper, Said, unsaid

VALUES = (0.1, -0.0, math.nan, 5e-324, math.inf, 1 / 3)


def records(attempt: int, who: str, events: Sequence[AnyEvent]) -> list[Record]:
    head: dict[str, Any] = {"run_id": "run_a", "attempt": attempt, "fence": attempt, "producer": f"{who}-{attempt}", "at": 1.0}
    return [Record(**head, producer_seq=number, event=event) for number, event in enumerate(events, 1)]


def attempt(number: int, first: int, last: int) -> Said:
    begun = TrainingStarted(first_step=first, steps=9, world_size=2, device="cpu", precision="fp32", parameters=1)
    steps = [
        StepCompleted(step=step, tokens=step * 8, metrics={"train/loss": 4 / step, "odd": VALUES[step % 6]})
        for step in range(first, last + 1)
    ]
    saved = CheckpointSaved(step=last, bytes=1, seconds=0.0)
    lines = [(rank, f"step {step} of attempt {number} on rank {rank}") for step in range(first, last + 1) for rank in (0, 1)]
    logs = {rank: b"".join(f"{line}\n".encode() for of, line in lines if of == rank) for rank in (0, 1)}
    told, places = list[AnyEvent](), {0: 0, 1: 0}
    for rank, line in lines:
        places[rank] += len(line) + 1
        told.append(LogWritten(rank=rank, lines=[line], offset=places[rank]))
    return Said(
        number, {"spool": records(number, "attempt", [begun, *steps, saved]), "agent.spool": records(number, "agent", told)}, {}, logs
    )


class World:
    """The first attempt took steps 1 to 6 and was cut short behind its fifth; the second went on from step 3 and ended with 9."""

    def __init__(self) -> None:
        self.said = [attempt(1, 1, 6), attempt(2, 4, 9)]
        self.said[0].refused = {"spool": 6, "agent.spool": 10}
        self.take_all()

    def take_all(self) -> None:
        self.kept = Kept()
        for one, ends in zip(self.said, ((6, 10), (99, 99)), strict=True):
            for name, end in zip(("spool", "agent.spool"), ends, strict=True):
                for record in one.spools[name][:end]:
                    self.take(record)

    def take(self, record: Record) -> None:
        event, number = record.event, record.attempt or 0
        if isinstance(event, StepCompleted):
            for name, value in event.metrics.items():
                point = (event.step, event.tokens, value.hex())
                self.kept.points[number, name].append(point)
                if number == 2 or event.step < 4:
                    self.kept.shown[number, name].append(point)
        elif isinstance(event, LogWritten):
            self.kept.lines[number, event.rank] += event.lines
            self.kept.line_numbers.append(len(self.kept.line_numbers))
        else:
            self.kept.events.append((record.producer, record.producer_seq))

    def found(self) -> list[str]:
        return list(unlike_the_spools(self.said, self.kept))


def line_lost(world: World) -> None:
    world.kept.lines[2, 1].pop(3)
    world.kept.line_numbers.pop()


def line_doubled(world: World) -> None:
    world.kept.lines[2, 1].insert(3, world.kept.lines[2, 1][2])
    world.kept.line_numbers.append(len(world.kept.line_numbers))


def value_off(world: World, attempt: int, name: str, place: int, value: float) -> None:
    step, tokens, _ = world.kept.points[attempt, name][place]
    world.kept.points[attempt, name][place] = step, tokens, value.hex()


def cut(world: World, name: str, *, told: bool) -> None:
    """Steps 5 and 6 of attempt 2 (or what its agent told of a line) were never put into its spool; an EventsDropped may say so."""
    old = [record.event for record in world.said[1].spools[name]]
    gap = EventsDropped(count=2, first_step=5, last_step=6, reason="full")
    new = [*old[:2], *([gap] if told else []), *old[4:]]
    world.said[1].spools[name] = records(2, "attempt" if name == "spool" else "agent", new)
    world.take_all()


MUTATIONS: list[tuple[Callable[[World], Any], str]] = [
    (line_lost, "attempt 2: lines of rank 1: 6 were logged: 1 lost ['step 7 of attempt 2 on rank 1']"),
    (line_doubled, "attempt 2: lines of rank 1: 6 were logged: 1 doubled ['step 6 of attempt 2 on rank 1']"),
    (lambda one: one.kept.lines[2, 0].reverse(), "attempt 2: lines of rank 0: all 6 are there, in another order"),
    (lambda one: one.kept.lines[2, 0].append("more"), "1 never logged ['more']"),
    (lambda one: one.kept.lines.pop((2, 0)), "attempt 2: lines of rank 0: 6 were logged: 6 lost"),
    (lambda one: one.kept.lines[1, 0].pop(1), "attempt 1: lines of rank 0: 5 were logged: 1 lost"),
    (lambda one: one.kept.line_numbers.reverse(), "are not numbered from 0 on"),
    (lambda one: value_off(one, 2, "train/loss", 1, math.nextafter(4 / 5, 1)), "attempt 2: train/loss: 6 were logged: 1 lost [(5, 40, "),
    (lambda one: value_off(one, 1, "odd", 0, 0.0), "attempt 1: odd: 5 were logged: 1 lost [(1, 8, '-0x0.0p+0')]"),
    (lambda one: value_off(one, 1, "odd", 1, math.inf), "1 lost [(2, 16, 'nan')]"),
    (lambda one: one.kept.points[2, "odd"].pop(), "attempt 2: odd: 6 were logged: 1 lost [(9, 72"),
    (lambda one: one.kept.points[1, "odd"].pop(), "attempt 1: odd: 5 were logged: 1 lost [(5, 40"),
    (lambda one: one.kept.points[2, "odd"].append(one.kept.points[2, "odd"][0]), "attempt 2: odd: 6 were logged: 1 doubled [(4, 32"),
    (lambda one: one.kept.points[2, "odd"].reverse(), "attempt 2: odd: all 6 are there, in another order"),
    (lambda one: one.kept.points.pop((2, "odd")), "attempt 2: odd: 6 were logged: 6 lost"),
    (lambda one: one.kept.shown[1, "odd"].append((4, 32, (1.0).hex())), "odd of attempt 1 as the charts show it: 3 were logged: 1 never"),
    (lambda one: one.kept.shown[2, "odd"].pop(), "odd of attempt 2 as the charts show it: 6 were logged: 1 lost"),
    (lambda one: one.kept.events.pop(), "attempt 2: events of attempt-2: 2 were logged: 1 lost [8]"),
    (lambda one: one.said[1].spools.pop("spool"), "attempt 2: it trained, and no spool of it was kept"),
    (lambda one: one.said[0].spools.pop("spool"), "attempt 1: it trained, and no spool of it was kept"),
    (lambda one: one.said[1].spools.pop("agent.spool"), "attempt 2: lines of rank 0: 0 were logged: 6 never logged"),
    (lambda one: one.said.pop(), "attempt 2 is in the history and nowhere else"),
    (lambda one: one.said[0].refused.clear(), "attempt 1: the history has 6 of 8 events of its spool, and no fence refused the rest"),
    (
        lambda one: one.said[0].refused.update({"agent.spool": 11}),
        "10 of 12 events of its agent.spool, and a fence refused what is behind 11",
    ),
    (lambda one: one.said[1].spools["agent.spool"].pop(4), "its agent.spool does not number its events from 1 on without holes"),
    (lambda one: cut(one, "spool", told=False), "attempt 2: steps 5 to 6 are not in its spool, and no EventsDropped there tells of them"),
    (lambda one: cut(one, "agent.spool", told=False), "attempt 2: the log of rank 0 has 2 lines at byte 30, and 1 other ones were told"),
    (lambda one: one.said[1].logs.update({1: one.said[1].logs[1] + b"the end\n"}), "the log of rank 1 has 1 lines from byte"),
]


def test_a_good_history_is_what_the_spools_say() -> None:
    assert World().found() == []


@pytest.mark.parametrize(("mutate", "what"), MUTATIONS)
def test_a_mutated_history_is_refused(mutate: Callable[[World], Any], what: str) -> None:
    world = copy.deepcopy(World())
    mutate(world)
    assert any(what in one for one in world.found()), world.found()


@pytest.mark.parametrize("name", ["spool", "agent.spool"])
def test_what_is_left_out_and_told_is_no_loss(name: str) -> None:
    world = World()
    cut(world, name, told=True)
    assert world.found() == []


def test_the_platforms_own_events_are_those_of_its_outbox() -> None:
    kept = Kept(events=[("api", 1), ("attempt-1", 1), ("api", 2)])
    assert list(unlike_the_outbox([1, 2], kept)) == []
    assert list(unlike_the_outbox([1, 2, 3], kept)) == ["events of the api: 3 were logged: 1 lost [3]"]
    kept.events.append(("api", 2))
    assert list(unlike_the_outbox([1, 2], kept)) == ["events of the api: 2 were logged: 1 doubled [2]"]


def test_an_attempt_that_never_ran_needs_no_spool() -> None:
    world = World()
    world.said.append(Said(3, trained=False))
    assert [what for what in world.found() if "attempt 3" in what] == []


def test_every_segment_is_kept_and_their_loss_is_found(tmp_path: Path) -> None:
    """Also those that come later, and the agent's; until the run directory is gone."""
    folder, keeper = tmp_path / "worker" / "attempts" / "att_1", Keeper([tmp_path / "worker"], tmp_path / "kept")
    folder.mkdir(parents=True)
    keeper.folder.mkdir()
    steps = range(1, 4000)
    for name in ("spool", "agent.spool"):
        writer = SpoolWriter(folder / name, run_id="run_a", attempt=1, fence=1, producer="attempt-1", limit=1 << 20)
        for step in steps:
            writer.emit(StepCompleted(step=step, tokens=step, metrics={"train/loss": 1.0}))
            keeper.look() if step % 1000 == 0 else None
        writer.close()
    (folder / "spool.refused").write_text("7")
    keeper.look()
    for file in folder.iterdir():
        file.unlink()
    kept = tmp_path / "kept" / "att_1"
    said = Said.read(1, kept, trained=True)
    assert len(segments(kept / "spool")) > 2
    assert [record.event.step for record in said.spools["spool"] if isinstance(record.event, StepCompleted)] == list(steps)
    assert (len(said.records), said.refused, list(unsaid(said, last=True))) == (2 * len(steps), {"spool": 7}, [])
    segments(kept / "spool")[1][1].unlink()
    assert "is damaged" in Said.read(1, kept, trained=True).damage
    (kept / "spool").unlink()
    assert "its spool begins at byte" in Said.read(1, kept, trained=True).damage
