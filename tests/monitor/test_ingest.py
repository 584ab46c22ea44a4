"""The passive core: any batches, in any order of crashes, make a history in which every event is once."""

import random
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from services.monitor.ingest import take
from services.monitor.models import MetricChunk
from serving.database import Database
from shared.events import AnyEvent, pack
from shared.run_events import RunDeleted
from shared.training_events import EvaluationCompleted, LogWritten, SampleGenerated, StepCompleted, TrainingStarted
from tests.monitor import stored
from tests.monitor.producing import RUN, Producer, entries, step

STARTED = TrainingStarted(first_step=1, steps=9, world_size=1, device="cpu", precision="fp32", parameters=10)


def take_in(database: Database, epoch: str, batch: dict[str, list[tuple[int, bytes]]]) -> int:
    with database.writing() as session:
        return take(session, epoch, batch)


def test_each_kind_goes_where_it_belongs(database: Database) -> None:
    said = Producer().say(
        STARTED,
        step(1, train_loss=2.5, train_lr=0.1),
        EvaluationCompleted(step=1, tokens=100, metrics={"val/loss": float("nan")}),
        LogWritten(rank=0, lines=["one", "two\nthree", "nul \0 too"]),
        SampleGenerated(step=1, prompt="a", text="b"),
    )
    assert take_in(database, "e1", {RUN: entries(said)}) == 5
    assert stored.points(database) == [(1, 1, 2.5)]
    assert stored.points(database, "train/lr") == [(1, 1, 0.1)]
    assert [str(value) for _, _, value in stored.points(database, "val/loss")] == ["nan"]
    assert stored.log_text(database) == ["one", "two", "three", "nul \0 too"]
    assert [record.event.type for record in stored.events(database)] == ["TrainingStarted", "EvaluationCompleted", "SampleGenerated"]


def test_a_batch_taken_again_changes_nothing(database: Database) -> None:
    batch = {RUN: entries(Producer().steps(1, 10))}
    assert take_in(database, "e1", batch) == 10
    assert take_in(database, "e1", batch) == 0
    assert stored.steps(database) == list(range(1, 11))


def test_what_is_not_committed_is_taken_again(database: Database) -> None:
    batch = {RUN: entries(Producer().say(step(1), STARTED, LogWritten(rank=0, lines=["x"])))}
    assert crash_in(database, "e1", batch) == 3
    assert take_in(database, "e1", batch) == 3
    assert (stored.steps(database), len(stored.events(database)), stored.log_text(database)) == ([1], 1, ["x"])


def test_a_new_epoch_takes_only_what_its_producers_had_not_said(database: Database) -> None:
    child, agent = Producer("child"), Producer("agent")
    take_in(database, "e1", {RUN: entries([*child.steps(1, 5), *agent.say(STARTED)])})
    again = [*agent.records, *child.steps(6, 8), *agent.say(STARTED)]
    lost_and_resent = entries([agent.records[0], *child.records, *again[4:]])
    assert take_in(database, "e2", {RUN: lost_and_resent}) == 4
    assert stored.steps(database) == list(range(1, 9))
    assert len(stored.events(database)) == 2


def test_full_chunks_are_sealed_and_an_open_one_goes_on(sqlite: Database) -> None:
    child = Producer()
    for first in range(1, 10_001, 700):
        take_in(sqlite, "e1", {RUN: entries(child.steps(first, min(first + 699, 10_000)), first)})
    with sqlite.reading() as session:
        chunks = session.query(MetricChunk).order_by(MetricChunk.id).all()
    assert [(chunk.count, chunk.sealed) for chunk in chunks] == [(4096, True), (4096, True), (1808, False)]
    assert stored.steps(sqlite) == list(range(1, 10_001))


def test_one_batch_may_fill_many_chunks(sqlite: Database) -> None:
    take_in(sqlite, "e1", {RUN: entries(Producer().steps(1, 8192))})
    with sqlite.reading() as session:
        assert [(chunk.count, chunk.sealed) for chunk in session.query(MetricChunk)] == [(4096, True), (4096, True)]
    take_in(sqlite, "e1", {RUN: entries(Producer("other").steps(8193, 8193), 8193)})
    assert stored.steps(sqlite)[-1] == 8193


@pytest.mark.parametrize("nonsense", [b"\xc1", b"", pack([1]), pack({"run_id": RUN}), Producer(run_id="run_b").steps(1, 1)[0].pack()])
def test_bytes_that_are_no_event_of_this_topic_are_stepped_over(sqlite: Database, nonsense: bytes) -> None:
    child = Producer()
    before, after = child.steps(1, 1), child.steps(2, 2)
    batch = [(1, before[0].pack()), (2, nonsense), (3, after[0].pack())]
    assert take_in(sqlite, "e1", {RUN: batch}) == 2
    assert stored.steps(sqlite) == [1, 2]


def crash_in(database: Database, epoch: str, batch: dict[str, list[tuple[int, bytes]]]) -> int:
    """Die between writing and committing."""
    with Session(database.engine) as session:
        taken = take(session, epoch, batch)
        session.flush()
        session.rollback()
        return taken


class Wire:
    """A stream that forgets its end now and then, its producers, and an ingester that is killed between reading and committing."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.producers = [Producer(name, attempt=attempt) for attempt, name in enumerate("abc")]
        self.stream: list[bytes] = []
        self.kept: dict[str, int] = dict.fromkeys("abc", 0)
        self.owners: list[str] = []
        self.epoch = 0

    def produce(self) -> None:
        producer = self.dice.choice(self.producers)
        number = len(producer.records)
        kinds: list[AnyEvent] = [step(number), LogWritten(rank=0, lines=[f"{producer.name}{number}"]), STARTED]
        producer.say(*(self.dice.choice(kinds) for _ in range(3)))
        self.flush(producer)

    def flush(self, producer: Producer) -> None:
        for record in producer.records[self.kept[producer.name] :]:
            self.stream.append(record.pack())
            self.owners.append(producer.name)
            self.kept[producer.name] += 1

    def forget(self) -> None:
        lost = self.dice.randint(0, len(self.stream))
        del self.stream[len(self.stream) - lost :], self.owners[len(self.owners) - lost :]
        self.kept = {name: self.owners.count(name) for name in self.kept}
        self.epoch += 1

    def batches(self) -> Iterator[dict[str, list[tuple[int, bytes]]]]:
        """From any place that the ingester may think it stands at, overlapping as it likes, but without leaving any out."""
        start = 0
        while start < len(self.stream):
            end = self.dice.randint(start + 1, len(self.stream))
            yield {RUN: list(enumerate(self.stream[start:end], start + 1))}
            start = self.dice.randint(start, end) if end < len(self.stream) else end


@pytest.mark.parametrize("seed", range(20))
def test_any_interleaving_of_losses_and_crashes_ends_with_each_event_once(sqlite: Database, seed: int) -> None:
    wire = Wire(seed)
    for _ in range(15):
        wire.produce()
        if wire.dice.random() < 0.3:
            wire.forget()
        for batch in wire.batches():
            if wire.dice.random() < 0.3:
                crash_in(sqlite, str(wire.epoch), batch)
                break
            take_in(sqlite, str(wire.epoch), batch)
    for producer in wire.producers:
        wire.flush(producer)
    take_in(sqlite, str(wire.epoch), {RUN: list(enumerate(wire.stream, 1))})
    said = [record for producer in wire.producers for record in producer.records]
    lines = sorted(line for record in said if isinstance(record.event, LogWritten) for line in record.event.lines)
    assert sorted(stored.log_text(sqlite)) == lines
    steps = [(record.attempt, record.event.step) for record in said if isinstance(record.event, StepCompleted)]
    assert sorted((attempt, number) for attempt, number, _ in stored.points(sqlite)) == sorted(steps)
    assert len(stored.events(sqlite)) == sum(record.event.type == "TrainingStarted" for record in said)


def test_a_deleted_run_leaves_no_history_and_comes_not_back(database: Database) -> None:
    said = Producer().say(step(1), STARTED, LogWritten(rank=0, lines=["x"]), RunDeleted(run_id=RUN, by="me"))
    take_in(database, "e1", {RUN: entries(said[:2])})
    take_in(database, "e1", {RUN: entries(said)})
    take_in(database, "e2", {RUN: entries(said)})
    assert (stored.steps(database), stored.events(database), stored.log_text(database)) == ([], [], [])


def test_what_comes_again_of_a_deleted_run_after_a_loss_is_left_out(database: Database) -> None:
    """The api's word may come before what its workers have kept."""
    api, child = Producer("api", attempt=None), Producer()
    api.say(RunDeleted(run_id=RUN, by="me"))
    child.say(step(1), STARTED, LogWritten(rank=0, lines=["x"]))
    take_in(database, "e1", {RUN: entries([*api.records, *child.records])})
    assert (stored.steps(database), stored.events(database), stored.log_text(database)) == ([], [], [])
