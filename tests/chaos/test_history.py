"""The history checker refuses what may not be: a good history, and each of its mutations."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.history import History, in_order, mistakes


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def changed(old: str, new: str) -> dict[str, Any]:
    return event("RunStateChanged", run_id="run_a", old=old, new=new, by="me", reason="")


def checkpoint(number: int, attempt: int, step: int) -> dict[str, Any]:
    return {"id": f"ckpt_{number}", "run_id": "run_a", "attempt": attempt, "fence": attempt, "step": step, "left_behind_at": None}


def attempt(number: int, begin: float, end: float | None) -> dict[str, Any]:
    slots = [{"id": "w1/cpu0"}]
    return {
        "id": f"att_{number}",
        "run_id": "run_a",
        "number": number,
        "fence": number,
        "placed_at": begin,
        "ended_at": end,
        "slots": slots,
    }


def good() -> History:
    """Placed, lost, placed again, going on from its checkpoint, done."""
    told = [
        event("RunCreated", name="a", by="me"),
        changed("queued", "starting"),
        event("AttemptPlaced", attempt=1, worker="w1", slots=["w1/cpu0"]),
        event("AttemptClaimed", attempt=1, worker="w1", resume_step=0),
        changed("starting", "running"),
        event("CheckpointCommitted", checkpoint_id="ckpt_1", step=5, bytes=1),
        event("AttemptEnded", attempt=1, outcome="lost"),
        changed("running", "queued"),
        changed("queued", "starting"),
        event("AttemptPlaced", attempt=2, worker="w1", slots=["w1/cpu0"]),
        event("AttemptClaimed", attempt=2, worker="w1", resume_step=5),
        changed("starting", "running"),
        event("CheckpointCommitted", checkpoint_id="ckpt_2", step=10, bytes=1),
        event("AttemptEnded", attempt=2, outcome="succeeded"),
        changed("running", "succeeded"),
    ]
    events = [("run_a", number, float(number), one) for number, one in enumerate(told, 1)]
    run = {"id": "run_a", "state": "succeeded", "reason": "", "current_attempt_id": None}
    command = {"id": "cmd_1", "run_id": "run_a", "type": "evaluate", "state": "applied", "reason": "", "ended_at": 12.0}
    return History(
        events,
        [run],
        [attempt(1, 3.0, 7.0), attempt(2, 10.0, 14.0)],
        [command],
        [checkpoint(1, 1, 5), checkpoint(2, 2, 10)],
        [{"id": "w1/cpu0", "attempt_id": None}],
    )


def without(history: History, number: int) -> None:
    kept = [one for one in history.events if one[1] != number]
    history.events[:] = [(topic, seq, at, one) for seq, (topic, _, at, one) in enumerate(kept, 1)]


def between(history: History, position: int, *new: dict[str, Any]) -> None:
    told = [one for *_, one in history.events]
    told[position:position] = new
    history.events[:] = [("run_a", seq, float(seq), one) for seq, one in enumerate(told, 1)]


def stale_commit(history: History) -> None:
    history.checkpoints.append(checkpoint(3, 1, 7))
    between(history, 11, event("CheckpointCommitted", checkpoint_id="ckpt_3", step=7, bytes=1))


def two_histories(history: History) -> None:
    history.checkpoints.append(checkpoint(3, 2, 4))
    between(history, 12, event("CheckpointCommitted", checkpoint_id="ckpt_3", step=4, bytes=1))


def double_booking(history: History) -> None:
    history.attempts.append({**attempt(1, 4.0, 5.0), "id": "att_x", "run_id": "run_b"})


def placed_in_emergency(history: History) -> None:
    history.events += [
        ("cluster", 1, 8.5, event("EmergencyStopped", by="me", reason="smoke", worker="", attempts=0)),
        ("cluster", 2, 12.5, event("EmergencyEnded", by="me", worker="")),
    ]


def same_fence(history: History) -> None:
    history.attempts[1]["fence"] = history.checkpoints[1]["fence"] = 1


def lost(history: History) -> None:
    for number in (15, 14):
        without(history, number)
    history.runs[0]["state"] = "running"
    history.attempts[1]["ended_at"] = 14.0


def hole(history: History) -> None:
    history.events[4] = ("run_a", 6, 5.0, history.events[4][3])


MUTATIONS: list[tuple[Callable[[History], Any], str]] = [
    (stale_commit, "was committed by attempt 1, and 2 was current"),
    (two_histories, "two histories"),
    (double_booking, "was booked for"),
    (placed_in_emergency, "during an emergency stop"),
    (same_fence, "the fences of its attempts"),
    (lost, "lost"),
    (hole, "event 6 comes after 4"),
    (lambda one: without(one, 7), "was placed beside attempt 1"),
    (lambda one: without(one, 14), "with attempt 2 still current"),
    (lambda one: without(one, 12), "and was starting"),
    (lambda one: between(one, 4, changed("starting", "paused"), changed("paused", "starting")), "which may not be"),
    (lambda one: between(one, 15, changed("succeeded", "queued")), "after its end"),
    (lambda one: one.events[10][3].update(resume_step=0), "goes on from 0, not from 5"),
    (lambda one: one.checkpoints.pop(0), "is not there"),
    (lambda one: one.checkpoints[1].update(fence=1), "was committed with fence 1"),
    (lambda one: one.attempts[0].update(ended_at=None), "have not ended"),
    (lambda one: one.slots[0].update(attempt_id="att_1"), "which no run has"),
    (lambda one: one.commands[0].update(state="accepted", ended_at=None), "after the run's end"),
    (lambda one: one.commands[0].update(state="rejected"), "rejected without a reason"),
    (lambda one: one.runs[0].update(state="failed"), "by its events succeeded"),
]


def test_a_good_history_passes() -> None:
    assert mistakes(good()) == []


@pytest.mark.parametrize(("mutate", "told"), MUTATIONS)
def test_a_mutated_history_is_refused(mutate: Callable[[History], Any], told: str) -> None:
    history = copy.deepcopy(good())
    mutate(history)
    found = mistakes(history)
    assert any(told in one for one in found), found


def test_a_slow_round_of_the_scheduler_is_no_mistake() -> None:
    """It began during the emergency stop and while the slot was taken, and placed after both: its time is older than what came before."""
    history = good()
    stop = event("EmergencyStopped", by="me", reason="smoke", worker="", attempts=1)
    history.events[8:10] = [("run_a", seq, 6.8, one) for _, seq, _, one in history.events[8:10]]
    history.attempts[1]["placed_at"] = 6.8
    history.events += [("cluster", 1, 6.5, stop), ("cluster", 2, 7.5, event("EmergencyEnded", by="me", worker=""))]
    assert any("during an emergency stop" in one for one in mistakes(history))
    history.events = in_order(history.events)
    assert mistakes(history) == []


def test_a_rollback_is_no_second_history() -> None:
    """And what is trained again behind it, on the same steps, is none either."""
    history = good()
    history.checkpoints.insert(1, {**checkpoint(3, 1, 8), "left_behind_at": 7.5})
    between(history, 6, event("CheckpointCommitted", checkpoint_id="ckpt_3", step=8, bytes=1))
    rolled_back = event("RunRolledBack", command_id="cmd_2", checkpoint_id="ckpt_1", old_step=9, step=5, by="me")
    between(history, 8, rolled_back)
    for one in history.attempts:
        one["placed_at"], one["ended_at"] = one["placed_at"] + 2, one["ended_at"] + 2
    assert mistakes(history) == []
    without(history, 9)
    assert any("not from 8" in one for one in mistakes(history))
