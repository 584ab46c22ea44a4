"""What the chaos bench plans, and whether it would notice."""

from collections import Counter
from pathlib import Path

import pytest

from services.api.checkpoint_models import Checkpoint
from services.api.models import Attempt, Base, OutboxRow, Run
from serving.database import Database
from tests.chaos import eventful, runs
from tests.chaos.eventful import EventfulRuns
from tests.chaos.flips import flipped
from tests.chaos.kills import KILLED_AT, OWNERS, planned
from tests.chaos.ledger import Ledger
from tests.chaos.steered import SteeredRuns


def test_every_point_at_least_twenty_times_in_the_full_plan() -> None:
    counted = Counter(kill.point for kill in planned(7, 500, list(KILLED_AT)))
    assert counted.total() == 500
    assert min(counted[point] for point in KILLED_AT) >= 20


def test_a_seed_repeats_its_plan() -> None:
    assert planned(7, 60, list(KILLED_AT)) == planned(7, 60, list(KILLED_AT)) != planned(8, 60, list(KILLED_AT))


def test_every_point_has_an_owner() -> None:
    of_the_child = {kill.point.partition(".")[0] for kill in planned(1, 40, list(KILLED_AT)) if kill.owner == "child"}
    assert of_the_child == {"step", "checkpoint", "evaluation"}
    assert {"agent", "api", "storage", "scheduler"} == set(OWNERS.values())


def test_every_fault_of_runs_at_least_twice_in_the_full_plan() -> None:
    plan = runs.planned(7, 60)
    counted = Counter(fault for _, fault in plan)
    assert counted.keys() == {*runs.UNTOUCHED, *runs.STRICKEN, *runs.OBEDIENT}
    assert min(counted.values()) >= 2
    assert plan == runs.planned(7, 60) != runs.planned(8, 60)
    assert all(hasattr(SteeredRuns, f"_{fault.replace(' ', '_')}") for fault in counted)


def test_every_fault_on_the_path_of_events_equally_often() -> None:
    counted = Counter(fault for _, fault in eventful.planned(7, 36))
    assert counted == dict.fromkeys(eventful.EVENTFUL, 3)
    assert all(hasattr(EventfulRuns, f"_{fault.replace(' ', '_')}") for fault in counted)
    assert "disk full" not in {fault for _, fault in eventful.planned(7, 36, disk=False)}


def test_a_flipped_bit_is_flipped_back(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with flipped(path, 1, 0x01):
        assert path.read_bytes() == b"acc"
    assert path.read_bytes() == b"abc"


COMMITS = [{"type": "CheckpointCommitted", "checkpoint_id": f"ckpt_{step}", "step": step} for step in (5, 10)]


@pytest.mark.parametrize(
    ("events", "mistake"),
    [
        ([*COMMITS, {"type": "AttemptClaimed", "attempt": 2, "resume_step": 10}], ""),
        ([*COMMITS, {"type": "AttemptClaimed", "attempt": 2, "resume_step": 5}], "from step 5, the newest one was 10"),
        ([COMMITS[0], {"type": "AttemptClaimed", "attempt": 2, "resume_step": 10}, COMMITS[1]], "from step 10, the newest one was 5"),
        ([*COMMITS, {"type": "CheckpointDeleted", "checkpoint_id": "ckpt_7"}], "never committed"),
        ([*COMMITS, {"type": "CheckpointCommitted", "checkpoint_id": "ckpt_15", "step": 15}], "ckpt_15 was committed, is not there"),
    ],
)
def test_the_ledger_notices(tmp_path: Path, events: list[dict[str, object]], mistake: str) -> None:
    tables = Database(f"sqlite:///{tmp_path / 'api.db'}")
    Base.metadata.create_all(tables.engine)
    of_run = {"name": "a", "project": "p", "state": "queued", "created_at": 0.0, "created_by": "me", "spec": {}, "resolved": {}}
    of_checkpoint = {
        "run_id": "run_a",
        "attempt_id": "att_1",
        "attempt": 1,
        "fence": 1,
        "tokens": 0,
        "metrics": {},
        "bytes": 1,
        "files": [],
    }
    with tables.writing() as session:
        session.add(Run(id="run_a", priority=1, processes=1, device="cpu", **of_run))
        session.flush()
        session.add(Attempt(id="att_1", run_id="run_a", number=1, state="claimed", worker="w", slots=[], placed_at=0.0))
        session.flush()
        session.add_all(OutboxRow(topic="run_a", seq=seq, at=0.0, event=event) for seq, event in enumerate(events))
        session.add_all(Checkpoint(id=f"ckpt_{step}", step=step, created_at=0.0, **of_checkpoint) for step in (5, 10))
    found = Ledger(tables, "run_a").mistakes()
    tables.close()
    assert (len(found), mistake in "".join(found)) == (bool(mistake), True)
