"""An attempt in its run directory: set up, started, watched to its end, and everything it left behind sent off."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Final

from services.trainer.children import Child, child_environment
from services.trainer.courier import Courier
from services.trainer.host import Host
from services.trainer.logs import LogTail
from services.trainer.patience import GaveUp, patiently
from services.trainer.prepare import prepare, report_damage
from services.trainer.progress import SpoolWatch, finite
from services.trainer.recovery import remove_earlier
from services.trainer.room import NO_ROOM, is_full, room_awaited
from services.trainer.rundir import Outcome, RunDirectory
from services.trainer.shipper import Tail
from services.trainer.spool import SpoolWriter
from services.trainer.transfers import Halted, Transfers, holds
from shared.conversation import CheckpointRef, Claim, StateReport
from shared.errors import EnvironmentFault, GroundupError
from shared.events import AnyEvent
from shared.training_events import LogWritten, ProcessDied

log = logging.getLogger(__name__)
TICK_SECONDS: Final = 0.1
SET_UP_SECONDS: Final = 300.0
CLOSING_SECONDS: Final = 0.5
"""What the other ranks get to write their last log lines once one has failed."""

TELLING_SECONDS: Final = 5.0
"""What torchrun then gets to tell which one failed, and how."""

ENDING_SECONDS: Final = 30.0
"""What the processes get to leave once the outcome is written; a process group that is taken down may hang."""

KILLED_SECONDS: Final = 5.0
"""How long events and checkpoints of a killed run are still sent."""


@dataclass
class Signals:
    """What others want of an attempt. interrupt: no more set-up. abandon: nothing about it matters any more. kill_at: monotonic."""

    killed: Event = field(default_factory=Event)
    shutting_down: Event = field(default_factory=Event)
    interrupt: Event = field(default_factory=Event)
    abandon: Event = field(default_factory=Event)
    kill_at: float = float("inf")


class Training:
    """What happens in the run directory. `run` gives the last report, `ship` sends all there is, and leaving it leaves no process."""

    def __init__(self, host: Host, claim: Claim, watch: SpoolWatch, signals: Signals, on_stale: Callable[[str], None]) -> None:
        self.host, self.claim, self.watch, self.signals = host, claim, watch, signals
        self.directory = RunDirectory(host.attempts_folder / claim.attempt_id)
        for name in ("checkpoints", "logs", "pids"):
            (self.directory.root / name).mkdir(parents=True, exist_ok=True)
        path, producer = self.directory.agent_spool, f"agent-{claim.attempt}"
        self.notes = SpoolWriter(path, run_id=claim.run_id, attempt=claim.attempt, fence=claim.fence, producer=producer)
        spools = (self.directory.spool, path)
        self.tails = [host.shipper.add(Tail(spool, lambda: on_stale("Redis knows a higher fence"))) for spool in spools]
        self.logs = LogTail(self.directory.root / "logs")
        self.courier = Courier(host, claim, watch, on_stale, self._tell)
        self.child: Child | None = None
        self.restored: CheckpointRef | None = None
        self.failed_at = self.outcome_at = self.enough_at = float("inf")
        self.told: set[str] = set()
        self.noting, self.closed = Lock(), False
        self.crowded = False  # it failed for want of room on this worker

    def __enter__(self) -> "Training":
        return self

    def run(self) -> StateReport:
        try:
            self._set_up()
            self.child = self._start()
            self.courier.start(self.restored.step if self.restored else None)
            self._watch(self.child)
            return self._verdict(self.child)
        except (Halted, GaveUp):
            return self._interrupted()
        except (GroundupError, OSError) as error:
            self.crowded = is_full(error)
            counts = not (self.crowded or isinstance(error, EnvironmentFault))
            return self._report("failed", f"could not be set up: {error}", counts=counts)
        except Exception as error:
            log.exception("%s: the watch over it failed", self.claim.attempt_id)
            return self._report("failed", f"the agent failed: {error!r}")

    def _set_up(self) -> None:
        transfers = Transfers(self.host.http, self.signals.interrupt)
        self.restored = patiently(
            lambda: self._prepare(transfers),
            f"setting up {self.claim.attempt_id}",
            self.signals.interrupt,
            seconds=SET_UP_SECONDS,
        )
        self.watch.resume(self.claim.spec, self.restored.step if self.restored else 0)

    def _prepare(self, transfers: Transfers) -> CheckpointRef | None:
        with room_awaited(lambda: remove_earlier(self.host.attempts_folder, self.claim)):
            return prepare(self.host, self.claim, self.directory, transfers, self._tell)

    def _start(self) -> Child:
        gpus = [slot.id for slot in self.claim.slots if slot.device == "cuda"]
        environment = child_environment(self.host.environ, self.claim.attempt_id, gpus, self.host.threads)
        processes = len(self.claim.slots)
        return Child(self.host.command(self.directory.root, processes, self.claim.attempt_id), self.directory, environment, processes)

    def _watch(self, child: Child) -> None:
        asked = False
        while child.running():
            self._read()
            now = time.monotonic()
            if self._is_to_die(now):
                child.kill()
            elif self.signals.shutting_down.is_set():
                if not asked:
                    child.terminate_ranks()
                asked = True
            elif child.failing():
                self.failed_at = min(self.failed_at, now)
                if now > self.failed_at + TELLING_SECONDS:
                    child.kill()
                elif now > self.failed_at + CLOSING_SECONDS:
                    child.kill_ranks()
            time.sleep(TICK_SECONDS)
        self.failed_at = min(self.failed_at, time.monotonic())
        child.kill()
        self._read(ended=True)

    def _is_to_die(self, now: float) -> bool:
        if self.directory.outcome.exists():
            self.outcome_at = min(self.outcome_at, now)
        unwanted = self.signals.killed.is_set() or self.signals.abandon.is_set()
        return unwanted or now > min(self.signals.kill_at, self.outcome_at + ENDING_SECONDS)

    def _read(self, *, ended: bool = False) -> None:
        for lines in self.logs.read(ended=ended):
            self._note(lines)
        if self.watch.read():
            self.host.poke()

    def _verdict(self, child: Child) -> StateReport:
        if self.directory.outcome.exists():
            outcome = Outcome.model_validate_json(self.directory.outcome.read_bytes())
            if outcome.damage and self.restored:
                return self._damaged(self.restored, outcome.damage)
            report = self._report(outcome.state, outcome.reason, retry=False)
            return report.model_copy(update={"summary": finite(outcome.summary)})
        if self.signals.interrupt.is_set():
            return self._interrupted()
        silent = self.failed_at - child.last_alive
        reason = child.death()
        log.warning("%s: %s (noticed after %.1f s)", self.claim.attempt_id, reason, silent)
        self._note(ProcessDied(reason=reason, after_seconds=silent))
        self.crowded = child.end()[0] == NO_ROOM
        return self._report("failed", reason, counts=not self.crowded)

    def _damaged(self, checkpoint: CheckpointRef, found: str) -> StateReport:
        """The child refuses what it was to go on from. It is marked unless the fault is this host's: a copy that went bad after it came."""
        reason = f"the checkpoint of step {checkpoint.step} is damaged: {found}"
        is_ours = not all(holds(self.directory.restore / file.name, file) for file in checkpoint.files)
        reported = not is_ours and report_damage(self.host, self.claim, checkpoint, found, self.signals.interrupt)
        return self._report("failed", reason, counts=not reported)

    def _interrupted(self) -> StateReport:
        if self.signals.killed.is_set():
            return self._report("killed", "killed by command", retry=False)
        return self._report("failed", "the worker is shutting down", counts=False)

    def _report(self, state: str, reason: str, *, retry: bool = True, counts: bool = True) -> StateReport:
        values = {"worker": self.host.settings.name, "fence": self.claim.fence, "state": state, "reason": reason}
        return StateReport.model_validate({**values, "retry": retry, "counts": counts, "progress": self.watch.progress})

    def ship(self, report: StateReport) -> StateReport:
        """Send all events and finished checkpoints, however long it takes; being abandoned ends it at once, a kill soon.

        The last report, as it is after that: success is what has arrived.
        """
        if self.child:
            self.child.kill()
        missing = self.courier.finish(self._enough)
        if missing and not self.signals.abandon.is_set():
            self._tell(missing)
            if report.state in {"succeeded", "stopped"}:
                report = self._report("failed", missing)
        for tail in self.tails:
            tail.close()
        while not self._enough() and not all(tail.shipped.is_set() for tail in self.tails):
            self.signals.abandon.wait(TICK_SECONDS)
        return self._interrupted() if self.signals.killed.is_set() and self._enough() else report

    def _enough(self) -> bool:
        """Whether nobody waits for what is still to be sent."""
        now = time.monotonic()
        if self.signals.killed.is_set():
            self.enough_at = min(self.enough_at, now + KILLED_SECONDS)
        return self.signals.abandon.is_set() or now >= self.enough_at

    def __exit__(self, *_error: object) -> None:
        if self.child:
            self.child.kill()
        self.courier.give_up.set()
        for tail in self.tails:
            self.host.shipper.drop(tail)
        with self.noting:
            self.closed = True
            self.notes.close()

    def _tell(self, line: str) -> None:
        """A line for the run's own log, once however often the set-up is repeated."""
        if line not in self.told:
            log.warning("%s: %s", self.claim.attempt_id, line)
            self._note(LogWritten(rank=0, lines=[f"agent: {line}"]))
        self.told.add(line)

    def _note(self, event: AnyEvent) -> None:
        """A full disk costs log lines, not the training. The courier speaks too."""
        try:
            with self.noting:
                if not self.closed:
                    self.notes.emit(event)
        except OSError as error:
            log.error("%s: %s is lost: %s", self.claim.attempt_id, event.type, error)
