"""An attempt in its run directory: set up, started, watched to its end, and everything it left behind sent off."""

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Final

from services.trainer.children import Child, bears_mark, child_environment, start
from services.trainer.courier import Courier
from services.trainer.held_gpus import still_held
from services.trainer.host import Host
from services.trainer.launchers import find
from services.trainer.logs import LogTail, told_before
from services.trainer.patience import GaveUp, patiently
from services.trainer.prepare import prepare, restored_of
from services.trainer.progress import SpoolWatch
from services.trainer.pruning import Pruning
from services.trainer.recovery import remove_earlier
from services.trainer.room import is_full, room_awaited
from services.trainer.rundir import AttemptOrder, RunDirectory, write_whole
from services.trainer.signals import Signals
from services.trainer.spool import notes_of, sound_records
from services.trainer.tail import Tail
from services.trainer.transfers import Halted, Transfers
from services.trainer.verdicts import Verdicts
from services.trainer.watchdog import Watchdog
from shared.conversation import CheckpointRef, Claim, StateReport
from shared.errors import EnvironmentFault, GroundupError
from shared.events import AnyEvent
from shared.training_events import HangDetected, LogWritten, ProcessAdopted

log = logging.getLogger(__name__)
TICK_SECONDS: Final = 0.1
SET_UP_SECONDS: Final = 300.0
CLOSING_SECONDS: Final = 0.5
"""What the other ranks get to write their last log lines once one has failed."""
TELLING_SECONDS: Final = 5.0
"""What torchrun then gets to tell which one failed, and how."""
ENDING_SECONDS: Final = 30.0
"""What the processes get to leave once the outcome is written; a process group that is taken down may hang."""
STACK_SECONDS: Final = 2.0
"""What the processes get to write their stacks before they are ended."""
KILLED_SECONDS: Final = 5.0
"""How long events and checkpoints of a killed run are still sent."""


class Training:
    """What happens in the run directory. `run` gives the last report, `ship` sends all there is, and leaving it leaves no process."""

    def __init__(self, host: Host, claim: Claim, watch: SpoolWatch, signals: Signals, on_stale: Callable[[str], None]) -> None:
        self.host, self.claim, self.watch, self.signals = host, claim, watch, signals
        self.directory = RunDirectory(host.attempts_folder / claim.attempt_id)
        for name in ("checkpoints", "logs", "pids"):
            (self.directory.root / name).mkdir(parents=True, exist_ok=True)
        path, limit = self.directory.agent_spool, host.settings.spool_bytes
        self.notes = notes_of(self.directory, claim, limit)
        refused, room = lambda: on_stale("Redis knows a higher fence"), Pruning(self.directory.spool, limit)
        self.tails = [host.shipper.add(tail) for tail in (Tail(self.directory.spool, refused, pruning=room), Tail(path, refused))]
        self.logs = LogTail(self.directory.root / "logs", told_before(record.event for record in sound_records(path)))
        self.watchdog = Watchdog(host.settings.hang_seconds)
        self.hung: float | None = None  # how long it was silent
        self.courier = Courier(host, claim, watch, on_stale, self._tell)
        self.verdicts = Verdicts(host, claim, watch, signals, self._note)
        self.child: Child | None = None
        self.restored: CheckpointRef | None = None
        self.failed_at = self.outcome_at = self.enough_at = float("inf")
        self.told, self.late = set[str](), list[Tail]()  # late: on their way when it was left
        self.noting, self.closed = Lock(), False

    def __enter__(self) -> "Training":
        return self

    def run(self, *, adopted: bool = False) -> StateReport:
        try:
            if adopted:
                self.child = self._adopt()
            else:
                write_whole(self.directory.claim, self.claim.model_dump_json())
                self._set_up()
                self.child = self._start()
            self.courier.start(self.restored.step if self.restored else None)
            self._watch(self.child)
            self._look_at_gpus(self.child)
            return self.verdicts.of(self.child, self.restored, self.failed_at - self.child.last_alive, self.hung)
        except (Halted, GaveUp):
            return self.verdicts.interrupted()
        except (GroundupError, OSError) as error:
            self.verdicts.crowded = is_full(error)
            counts = not (self.verdicts.crowded or isinstance(error, EnvironmentFault))
            return self.verdicts.report("failed", f"could not be set up: {error}", counts=counts)
        except Exception as error:
            log.exception("%s: the watch over it failed", self.claim.attempt_id)
            return self.verdicts.report("failed", f"the agent failed: {error!r}")

    def _set_up(self) -> None:
        transfers = Transfers(self.host.http, self.signals.interrupt)
        self.restored = patiently(
            lambda: self._prepare(transfers),
            f"setting up {self.claim.attempt_id}",
            self.signals.interrupt,
            seconds=SET_UP_SECONDS,
        )
        self.watch.resume(self.restored)

    def _prepare(self, transfers: Transfers) -> CheckpointRef | None:
        with room_awaited(lambda: remove_earlier(self.host.attempts_folder, self.claim, self.host.shipper)):
            return prepare(self.host, self.claim, self.directory, transfers, self._tell)

    def _start(self) -> Child:
        self._heed_host()
        if self.signals.interrupt.is_set():
            raise Halted(f"{self.claim.attempt_id} is not to be started any more")
        environment = child_environment(self.host.environ, self.claim.attempt_id, self._gpus(), self.host.threads)
        processes = len(self.claim.slots)
        return start(self.host.command(self.directory.root, processes, self.claim.attempt_id), self.directory, environment, processes)

    def _adopt(self) -> Child:
        """Raises EnvironmentFault where an agent before us had not come so far."""
        order = AttemptOrder.model_validate_json(self.directory.order.read_bytes())
        if (found := find(self.directory.launcher, lambda process: bears_mark(process, self.claim.attempt_id))) is None:
            raise EnvironmentFault("the agent was started anew while it was being set up", remedy="it is tried again")
        launcher, started_at = found
        self.restored = restored_of(self.claim, order)
        self._note(ProcessAdopted(step=self.watch.progress.step))
        return Child(launcher, self.directory, self.claim.attempt_id, len(self.claim.slots), started_at=started_at)

    def _watch(self, child: Child) -> None:
        asked = False
        while child.running():
            self._read()
            self._heed_host()
            now = time.monotonic()
            if self._is_to_die(now) or self._is_hanging(child, now):
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
        self._heed_host()
        self._read(ended=True)

    def _heed_host(self) -> None:
        """A stop by hand needs no agent and no network; here it is seen and told."""
        if by_hand := self.host.stopped_by_hand():
            self.signals.halted = self.signals.halted or by_hand
            self.signals.interrupt.set()

    def _gpus(self) -> list[str]:
        return [slot.id for slot in self.claim.slots if slot.device == "cuda"]

    def _look_at_gpus(self, child: Child) -> None:
        """After an emergency: whether the GPUs are free again, too."""
        if self.signals.halted and self._gpus() and (held := still_held(child.killed)) is not None:
            told = f"the GPUs still count {held} as theirs" if held else "the GPUs hold no memory of them"
            self._tell(f"{len(child.killed)} process(es) killed; {told}")
            self.signals.halted += f"; {told}" if held else ""

    def _is_hanging(self, child: Child, now: float) -> bool:
        """Silent for too long: its stacks go into the logs first."""
        self.watchdog.see(now, self.watch.signs, stepped=self.watch.stepped, still=self.watch.held or self.directory.outcome.exists())
        if self.hung is not None or not self.watchdog.is_hanging(now):
            return False
        self.hung = self.watchdog.silence(now)
        self._note(HangDetected(step=self.watch.progress.step, silent_seconds=self.hung))
        child.ask_for_stacks()
        while not self._is_to_die(time.monotonic()) and time.monotonic() < now + STACK_SECONDS:
            time.sleep(TICK_SECONDS)
        return True

    def _is_to_die(self, now: float) -> bool:
        if self.directory.outcome.exists():
            self.outcome_at = min(self.outcome_at, now)
        unwanted = self.signals.killed.is_set() or self.signals.abandon.is_set() or bool(self.signals.halted)
        return unwanted or now > min(self.signals.kill_at, self.outcome_at + ENDING_SECONDS)

    def _read(self, *, ended: bool = False) -> None:
        for lines in self.logs.read(ended=ended):
            self._note(lines)
        if self.watch.read():
            self.host.poke()

    def ship(self, report: StateReport) -> StateReport:
        """Send all events and finished checkpoints, however long it takes; being abandoned ends it at once, a kill soon.

        The last report, as it is after that: success is what has arrived.
        """
        if self.child:
            self.child.kill()
        missing = self.courier.finish(self._enough)
        if missing and not self.signals.abandon.is_set():
            self._tell(missing)
            if report.state in {"succeeded", "stopped", "paused"}:
                report = self.verdicts.report("failed", missing)
        for tail in self.tails:
            tail.close()
        while not self._enough() and not all(tail.shipped.is_set() for tail in self.tails):
            self.signals.abandon.wait(TICK_SECONDS)
        return self.verdicts.interrupted() if (self.signals.killed.is_set() or self.signals.halted) and self._enough() else report

    def _enough(self) -> bool:
        """Whether nobody waits for what is still to be sent."""
        now = time.monotonic()
        if self.signals.killed.is_set() or self.signals.halted:
            self.enough_at = min(self.enough_at, now + KILLED_SECONDS)
        return self.signals.abandon.is_set() or now >= self.enough_at

    def __exit__(self, *_error: object) -> None:
        if self.child:
            self.child.kill()
        self.courier.give_up.set()
        with self.noting:
            self.closed = True
            self.notes.close()
        # A kill, an emergency stop and an api that has given it up wait for nobody, but what was trained until then is the run's: it is
        # told as soon as it can be, unless another attempt has begun to speak.
        for tail in self.tails:
            if tail.shipped.is_set():
                self.host.shipper.drop(tail)
            else:
                tail.close()
                self.late.append(tail)

    def _tell(self, line: str) -> None:
        """A line for the run's own log, once however often the set-up is repeated."""
        if line not in self.told:
            log.warning("%s: %s", self.claim.attempt_id, line)
            self._note(LogWritten(rank=0, lines=[f"agent: {line}"]))
        self.told.add(line)

    def _note(self, event: AnyEvent) -> None:
        """A full disk costs log lines, which are counted, not the training. The courier speaks too."""
        with self.noting:
            try:
                if not self.closed:
                    self.notes.emit(event)
            except OSError as error:
                log.error("%s: %s is lost: %s", self.claim.attempt_id, event.type, error)
                self.notes.drop(event, f"the worker's disk had no room: {error}")
