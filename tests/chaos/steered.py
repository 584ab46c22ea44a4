"""The commands among the faults: emergency stops, pauses, a rollback, a change; how long each took."""

import time

from shared.names import FINAL_STATES
from tests.chaos.runs import Runs
from tests.servers import wait_until


class SteeredRuns(Runs):
    def _emergency_stop(self, run_id: str) -> None:
        self.times.emergency.append(self._stop_everything(run_id))

    def _emergency_stop_without_redis(self, run_id: str) -> None:
        self.platform.kill("redis")
        try:
            self.times.emergency_without_redis.append(self._stop_everything(run_id))
        finally:
            self.platform.start("redis")

    def _stop_everything(self, run_id: str) -> float:
        """Seconds until no process is left. Reopened and resumed."""
        platform, begun = self.platform, time.monotonic()
        platform.emergency("POST")
        wait_until(lambda: not platform.processes_of(), "processes are left", self.patience)
        seconds = time.monotonic() - begun
        self._require(platform.run_state(run_id) == "paused", f"it is {platform.run_state(run_id)} after the emergency stop")
        platform.emergency("DELETE")
        self._resume(run_id)
        return seconds

    def _resume(self, run_id: str) -> None:
        anew = not any(True for _ in self.platform.event_times(run_id, "CheckpointCommitted"))
        self.platform.command(run_id, "resume", **({"from_scratch": True} if anew else {}))

    def _held_and_resumed(self, run_id: str) -> None:
        platform = self.platform
        self._command(run_id, "pause", hold=True)
        wait_until(lambda: platform.run_state(run_id) == "paused", "it is not held", self.patience)
        before, pids = platform.step(run_id), self._pids(run_id)
        time.sleep(0.3)
        self._require(platform.step(run_id) == before, "it takes steps while it is held")
        self._require(self._pids(run_id) == pids, "its processes are others")
        self._command(run_id, "resume")

    def _paused_and_resumed(self, run_id: str) -> None:
        platform = self.platform
        self._command(run_id, "pause")
        wait_until(lambda: platform.run_state(run_id) == "paused", "it is not paused", self.patience)
        wait_until(lambda: not platform.processes_of(), "its processes are left", self.patience)
        self._resume(run_id)

    def _rolled_back(self, run_id: str) -> None:
        platform = self.platform
        wait_until(lambda: bool(platform.event_times(run_id, "CheckpointCommitted")), "no checkpoint", self.patience)
        checkpoint = platform.event_times(run_id, "CheckpointCommitted")[0][1]
        wait_until(lambda: platform.step(run_id) > checkpoint["step"], "no step behind it", self.patience)
        platform.command(run_id, "rollback", checkpoint_id=checkpoint["checkpoint_id"])
        wait_until(lambda: bool(platform.event_times(run_id, "RunRolledBack")), "it is not rolled back", self.patience)

    def _changed(self, run_id: str) -> None:
        for rate in (0.001, 0.002):
            self._command(run_id, "set_hyperparameters", changes={"optimizer": {"lr": rate}})
        for kind in ("save_checkpoint", "evaluate"):
            self._command(run_id, kind)

    def _command(self, run_id: str, kind: str, **fields: object) -> None:
        """Asked for, and waited for."""
        platform = self.platform
        command_id = platform.command(run_id, kind, **fields)["command_id"]

        def ended() -> list[float]:
            mine = [command for command in platform.commands(run_id) if command.id == command_id]
            return [command.ended_at - command.created_at for command in mine if command.ended_at and command.state == "applied"]

        over = lambda: bool(ended()) or platform.run_state(run_id) in FINAL_STATES  # noqa: E731
        wait_until(over, f"'{kind}' is not applied", self.patience)
        self.times.commands += ended()
