"""Every command that is legal in a state ends in a defined one, whatever becomes of the attempt that was told."""

from dataclasses import dataclass
from typing import Any, Final

import pytest

from services.api.asking import LEGAL
from shared.commands import CommandType
from tests.api.stage import Stage
from tests.api.test_asking import applied, ask, commands, report_of

STATES: Final = ("queued", "unclaimed", "starting", "running", "pausing", "held", "paused", "stopping")
RUN_STATE: Final = {"unclaimed": "starting", "held": "paused"}
"""What a run is called there."""
WITHOUT_ATTEMPT: Final = ("queued", "unclaimed", "paused")
RESTING: Final = ("pausing", "held", "paused")
FATES: Final = ("it obeys", "it dies", "its worker is lost", "it is done first")
REPORTED: Final = {"stop": "stopped", "kill": "killed", "pause": "paused", "rollback": "rolled_back"}


@dataclass
class Case:
    """A run in `state`, with checkpoints of steps 10 and 20 and at step 21; `attempt` is "" where no worker has one."""

    stage: Stage
    number: int
    state: str
    run_id: str = ""
    attempt: str = ""
    fence: int = 0

    def __post_init__(self) -> None:
        run, attempt, self.fence = self.stage.running(name=f"run-{self.number}")
        self.run_id, self.attempt = run["id"], attempt
        for step in (10, 20):
            assert self.stage.commit(attempt, self.fence, f"ckpt_{self.number}_{step}", step).status_code == 204
        self.beat()
        getattr(self, f"_make_{self.state}")()
        assert self.stage.run(self.run_id)["state"] == RUN_STATE.get(self.state, self.state)

    def _make_running(self) -> None: ...

    def _make_queued(self) -> None:
        self.report("failed", counts=False)
        self.attempt = ""

    def _make_unclaimed(self) -> None:
        self._make_queued()
        (placed,) = self.stage.place()
        self.waiting = placed.attempt_id

    def _make_starting(self) -> None:
        self._make_unclaimed()
        self.claim()

    def _make_pausing(self) -> None:
        self.pause = self.ask("pause")

    def _make_held(self) -> None:
        self.beat(applied=applied(self.ask("pause", hold=True), 21), held=True)

    def _make_paused(self) -> None:
        self.ask("pause")
        self.report("paused")
        self.attempt = ""

    def _make_stopping(self) -> None:
        self.ask("stop")

    def claim(self) -> None:
        self.attempt = self.waiting
        self.fence = self.stage.claim(self.attempt).json["fence"]

    def ask(self, kind: str, **arguments: Any) -> str:
        answer = ask(self.stage, self.run_id, kind, **arguments)
        assert answer.status_code == 202, answer.json
        return str(answer.json["command_id"])

    def beat(self, applied: Any = (), **fields: Any) -> Any:
        return self.stage.beat(**report_of(self.attempt, self.fence, 21, **fields), applied=list(applied)).json["commands"]

    def report(self, state: str, **fields: Any) -> None:
        assert self.stage.report(self.attempt, self.fence, state, progress={"step": 21}, **fields).status_code == 204

    def meet(self, fate: str, kind: str, command_id: str) -> None:
        """What becomes of the attempt; it has been told before."""
        told = {order["command_id"] for order in self.beat()}
        assert command_id in told
        if fate == "it dies":
            self.report("failed", reason="the process died", counts=False)
        elif fate == "its worker is lost":
            self.stage.now += 2 * self.stage.lease_seconds
            self.stage.reconcile()
        elif fate == "it is done first":
            self.report("succeeded")
        else:
            for each in told:
                self.beat(applied=applied(each, 21))
            if end := REPORTED.get(kind):
                self.report(end)

    def outcome(self, command_id: str) -> tuple[str, str]:
        return self.stage.run(self.run_id)["state"], commands(self.stage, self.run_id)[command_id]["state"]

    def clear(self) -> None:
        """Nothing of it is left for the next case to meet."""
        run = self.stage.run(self.run_id)
        if run["ended_at"] is None:
            ask(self.stage, self.run_id, "kill")
        if self.stage.run(self.run_id)["ended_at"] is None:
            self.stage.beat()
            self.report("killed")
        assert all(each["state"] in {"applied", "rejected"} for each in commands(self.stage, self.run_id).values())


def arguments(kind: str, number: int) -> dict[str, Any]:
    given: dict[str, dict[str, Any]] = {
        "set_hyperparameters": {"changes": {"optimizer": {"lr": 0.01}}},
        "rollback": {"checkpoint_id": f"ckpt_{number}_10"},
    }
    return given.get(kind, {})


def expected(kind: str, state: str, fate: str) -> tuple[str, str]:
    """Of the run and of the command."""
    rests = "paused" if state in RESTING else "queued"
    if kind in {"stop", "kill"} and fate != "it is done first":
        return REPORTED[kind], "applied"
    if state in WITHOUT_ATTEMPT:
        now = RUN_STATE.get(state, state)
        return {"pause": ("paused", "applied"), "resume": ("queued", "applied"), "rollback": (rests, "applied")}.get(
            kind, (now, "requested")
        )
    if fate == "it is done first":
        return "succeeded", "rejected"
    if fate == "it obeys":
        stays = RUN_STATE.get(state, state)
        return {"pause": "paused", "resume": "running", "rollback": rests}.get(kind, stays), "applied"
    if kind in {"pause", "resume", "rollback"}:
        return {"pause": "paused", "resume": "queued", "rollback": rests}[kind], "applied"
    return rests, "accepted"  # it is told to the next attempt


@pytest.mark.parametrize("kind", list(CommandType))
def test_every_legal_command_ends_in_a_defined_state(both: Stage, kind: CommandType) -> None:
    both.beat()
    cases = [(state, fate) for state in STATES for fate in FATES if RUN_STATE.get(state, state) in LEGAL[kind]]
    met = 0
    for number, (state, fate) in enumerate(cases):
        if (state in WITHOUT_ATTEMPT and fate != FATES[0]) or (kind, state) == ("rollback", "pausing"):
            continue  # nobody to be told; a pause that is open does not go with it
        case = Case(both, number, state)
        command_id = case.ask(kind, **arguments(kind, number))
        if case.attempt:
            case.meet(fate, kind, command_id)
        assert case.outcome(command_id) == expected(kind, state, fate), (state, fate)
        case.clear()
        met += 1
    assert met >= len({state for state, _ in cases}) - 1


@pytest.mark.parametrize("kind", [kind for kind in CommandType if kind not in {"pause", "resume", "rollback", "stop", "kill"}])
def test_what_waited_is_told_to_the_next_attempt(both: Stage, kind: CommandType) -> None:
    both.beat()
    case = Case(both, 1, "running")
    command_id = case.ask(kind, **arguments(kind, 1))
    case.meet("it dies", kind, command_id)
    (placed,) = both.place()
    case.waiting = placed.attempt_id
    case.claim()
    (order,) = case.beat()
    assert (order["command_id"], order["attempt_id"]) == (command_id, case.attempt)
    events = [event["type"] for event in both.events(case.run_id) if event.get("command_id") == command_id]
    assert events == ["CommandRequested", "CommandAccepted"], "it is accepted once"
    case.beat(applied=applied(command_id, 22))
    assert case.outcome(command_id) == ("starting", "applied")
