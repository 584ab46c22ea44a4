"""How an attempt ended, as it is reported to api."""

import logging
from collections.abc import Callable

from services.trainer.children import Child
from services.trainer.diagnosis import diagnose, memory_kills
from services.trainer.host import Host
from services.trainer.launchers import UNKNOWN
from services.trainer.prepare import report_damage
from services.trainer.progress import SpoolWatch, finite
from services.trainer.room import NO_ROOM
from services.trainer.rundir import Outcome, RunDirectory
from services.trainer.signals import Signals
from services.trainer.transfers import holds
from shared.conversation import CheckpointRef, Claim, StateReport
from shared.events import AnyEvent
from shared.failures import Failure, FailureKind
from shared.training_events import ProcessDied

log = logging.getLogger(__name__)


class Verdicts:
    """`crowded`: it failed for want of room on this worker. `note` gets events about the processes."""

    def __init__(self, host: Host, claim: Claim, watch: SpoolWatch, signals: Signals, note: Callable[[AnyEvent], None]) -> None:
        self.host, self.claim, self.watch, self.signals, self.note = host, claim, watch, signals, note
        self.directory = RunDirectory(host.attempts_folder / claim.attempt_id)
        self.crowded = False
        self.kills_before = memory_kills()

    def of(self, child: Child, restored: CheckpointRef | None, silent: float, hung: float | None) -> StateReport:
        """Of processes that have ended. silent: seconds from their last sign of life to its discovery; hung: without any, before we ended
        them.
        """
        if self.directory.outcome.exists():
            outcome = Outcome.model_validate_json(self.directory.outcome.read_bytes())
            if outcome.damage and restored:
                return self._damaged(restored, outcome.damage)
            report = self.report(outcome.state, outcome.reason, retry=False, failure=outcome.failure)
            return report.model_copy(update={"summary": finite(outcome.summary)})
        if self.signals.interrupt.is_set():
            return self.interrupted()
        return self._failed(child, silent, hung)

    def _failed(self, child: Child, silent: float, hung: float | None) -> StateReport:
        if hung is not None:
            reason = f"no sign of life for {hung:.0f} s after step {self.watch.progress.step}; its processes were ended"
            return self.report("failed", reason, failure=Failure.of(FailureKind.HANG, reason))
        if child.was_asked():
            reason = "somebody else than this worker asked its processes to end (SIGTERM), as a host does that is shut down"
            self.note(ProcessDied(reason=reason, after_seconds=silent))
            return self.report("failed", reason, counts=False)
        reason, (code, rank) = child.death(), child.end()
        log.warning("%s: %s (noticed after %.1f s)", self.claim.attempt_id, reason, silent)
        self.note(ProcessDied(reason=reason, after_seconds=silent))
        self.crowded = code == NO_ROOM
        failure = diagnose(self.directory, child.processes, code, rank, reason, kills_before=self.kills_before)
        unknown = code == UNKNOWN and rank is None  # it ended with, or without, an agent before us: no fault of the run is known
        return self.report("failed", reason, counts=not (self.crowded or unknown), failure=failure)

    def _damaged(self, checkpoint: CheckpointRef, found: str) -> StateReport:
        """The child refuses what it was to go on from. It is marked unless the fault is this host's: a copy that went bad after it came."""
        reason = f"the checkpoint of step {checkpoint.step} is damaged: {found}"
        is_ours = not all(holds(self.directory.restore / file.name, file) for file in checkpoint.files)
        reported = not is_ours and report_damage(self.host, self.claim, checkpoint, found, self.signals.interrupt)
        return self.report("failed", reason, counts=not reported)

    def interrupted(self) -> StateReport:
        """It was ended for somebody."""
        if self.signals.killed.is_set():
            return self.report("killed", "killed by command", retry=False)
        if self.signals.halted:
            return self.report("halted", self.signals.halted)
        if self.signals.preempted:
            return self.report("preempted", self.signals.preempted)
        return self.report("failed", self.signals.leaving, counts=False)

    def report(self, state: str, reason: str, *, retry: bool = True, counts: bool = True, failure: Failure | None = None) -> StateReport:
        values = {"worker": self.host.settings.name, "fence": self.claim.fence, "state": state, "reason": reason, "failure": failure}
        return StateReport.model_validate({**values, "retry": retry, "counts": counts, "progress": self.watch.progress})
