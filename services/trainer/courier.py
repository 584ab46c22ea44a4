"""Carries an attempt's good news to api and storage, beside the watch over its processes: that it runs, its checkpoints, and what an
evaluation found of each."""

import base64
import hashlib
import logging
import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Final

from services.trainer.host import Host
from services.trainer.patience import GaveUp, patiently
from services.trainer.prepare import checkpoint_step
from services.trainer.progress import CheckpointWatch, SpoolWatch, finite
from services.trainer.retention import kept
from services.trainer.rundir import Manifest, RunDirectory
from services.trainer.soundness import MANIFEST, describe
from services.trainer.transfers import Halted, Transfers
from shared.conversation import CheckpointCommit, CheckpointMetrics, Claim, StateReport
from shared.crash import crash_point
from shared.errors import EnvironmentFault, GroundupError, InsufficientStorage, NotFound, Stale
from shared.internal import CheckpointUpload

log = logging.getLogger(__name__)
LOCAL_COPIES: Final = 2
LOOK_SECONDS: Final = 0.2
FAULTS: Final = 3
INSIST_SECONDS: Final = 30.0
"""How long one thing is tried again before the courier looks what else there is, and what is worth no upload any more."""


class Courier:
    """A thread of its own, which carries one checkpoint at a time, oldest first; but what newer ones have made superfluous before its turn
    came is left out, so that the newest is never far behind. What an evaluation found goes with the checkpoint of its step, or after it
    and before the next one, so that retention never chooses the best without it. `on_stale` is called where api refuses the fence; after
    that nothing is carried any more. `tell` gets lines for the run.
    """

    def __init__(self, host: Host, claim: Claim, watch: SpoolWatch, on_stale: Callable[[str], None], tell: Callable[[str], None]) -> None:
        self.host, self.claim, self.watch, self.on_stale, self.tell = host, claim, watch, on_stale, tell
        self.give_up = Event()
        self.directory = RunDirectory(host.attempts_folder / claim.attempt_id)
        self.said = CheckpointWatch(self.directory.spool)
        self.transfers = Transfers(host.http, self.give_up)
        self.told_running = self.told_waiting = False
        self.done: list[Path] = []
        self.refused: list[Path] = []
        self.metrics_of: dict[int, dict[str, float]] = {}
        self.faults: Counter[str] = Counter()
        self.finishing = Event()
        self.thread = Thread(target=self._run, name=f"courier-{claim.attempt_id}", daemon=True)

    def start(self, restored: int | None = None) -> None:
        """restored: the step of the checkpoint the run goes on from, which is evaluated anew."""
        if restored is not None:
            self.said.offered.add(restored)
        self.thread.start()

    def finish(self, enough: Callable[[], bool]) -> str:
        """Return when everything that is there has arrived or been refused, or there was `enough` waiting.

        Says so where the newest checkpoint, which is what a run that has ended is about, did not arrive; else it is empty.
        """
        self.finishing.set()
        while self.thread.is_alive() and not enough():
            self.thread.join(LOOK_SECONDS / 2)
        self.give_up.set()
        newest = max((*self._finished(), *self.done), key=step_of, default=None)
        if newest is None or (newest in self.done and newest not in self.refused):
            return ""
        return f"the checkpoint of step {step_of(newest)} could not be delivered"

    def _run(self) -> None:
        try:
            while True:
                last = self.finishing.is_set()
                self._tell_running()
                waiting = self._carry_checkpoints()
                if last and not waiting:
                    return
                self.give_up.wait(LOOK_SECONDS) if last else self.finishing.wait(LOOK_SECONDS)
        except (GaveUp, Halted) as error:
            log.info("%s: given up: %s", self.claim.attempt_id, error)
        except Stale as error:
            self.on_stale(error.detail)
        except Exception:
            log.exception("%s: its checkpoints are not carried any more", self.claim.attempt_id)

    def _tell_running(self) -> None:
        if self.told_running or not self.watch.started:
            return
        report = StateReport(worker=self.host.settings.name, fence=self.claim.fence, state="running", progress=self.watch.progress)
        try:
            self._insist(lambda: self.host.api.report_state(self.claim.attempt_id, report), "reporting that it runs")
            self.told_running = True
        except Stale:
            raise
        except EnvironmentFault as error:
            log.warning("%s: the report that it runs waits: %s", self.claim.attempt_id, error)
        except (GroundupError, ValueError) as error:
            self.told_running = self._is_hopeless("the report that it runs", error)

    def _carry_checkpoints(self) -> bool:
        """Whether something has to be tried again."""
        while folder := self._next():
            if not self._tell_evaluations():
                return True
            try:
                self._carry(folder)
            except (Stale, Halted):
                raise
            except EnvironmentFault as error:
                self._tell_waiting(folder, error)
                return True
            except (GroundupError, ValueError, OSError) as error:
                if not self._is_hopeless(folder.name, error):
                    return True
                self.refused.append(folder)
            self.told_waiting = False
            self.done.append(folder)
            self._keep_newest()
        return not self._tell_evaluations() or bool(self.said.untold())

    def _tell_waiting(self, folder: Path, error: EnvironmentFault) -> None:
        """Once, until one arrives again."""
        if not self.told_waiting:
            why = "the store has no room" if isinstance(error, InsufficientStorage) else "it could not be delivered yet"
            self.tell(f"the checkpoint of step {step_of(folder)} waits on this worker: {why}: {error}")
        self.told_waiting = True

    def _tell_evaluations(self) -> bool:
        """Those that came after the commit, in order. Whether checkpoints may be carried meanwhile: only after some tries without it."""
        for step in self.said.untold():
            report = CheckpointMetrics(fence=self.claim.fence, step=step, metrics=self.said.measured[step])
            call, what = partial(self.host.api.report_metrics, self.claim.attempt_id, report), f"the evaluation of step {step}"
            try:
                self._insist(call, f"reporting {what}")
            except Stale:
                raise
            except NotFound as error:
                log.info("%s: %s has no checkpoint: %s", self.claim.attempt_id, what, error)
            except EnvironmentFault as error:
                return self._is_hopeless(what, error)
            except (GroundupError, ValueError) as error:
                if not self._is_hopeless(what, error):
                    return False
            self.said.told.add(step)
        return True

    def _next(self) -> Path | None:
        """The oldest that waits and that the run's retention would keep."""
        waiting = sorted(set(self._finished()) - set(self.done), key=step_of)
        self.said.read()  # after the look at what is there: then all before the newest are known
        if self.said.failures:
            self._keep_newest()
        for folder in waiting:
            if step_of(folder) not in self.metrics_of:
                self.metrics_of[step_of(folder)] = self._metrics(folder)
        for step in self.metrics_of:
            self.metrics_of[step] |= self.said.measured.get(step, {})
        wanted = kept(self.metrics_of, self.claim.spec.train.checkpoint)
        for folder in [folder for folder in waiting if step_of(folder) not in wanted]:
            log.info("%s: the checkpoint of step %d is left out: newer ones came before its turn", self.claim.attempt_id, step_of(folder))
            shutil.rmtree(folder, ignore_errors=True)
            waiting.remove(folder)
        return waiting[0] if waiting else None

    def _metrics(self, folder: Path) -> dict[str, float]:
        """What cannot be read is found out, and told, when it is carried."""
        try:
            return finite(Manifest.model_validate_json((folder / MANIFEST).read_bytes()).metrics)
        except (OSError, ValueError):
            return {}

    def _finished(self) -> list[Path]:
        return [folder for folder in self.directory.checkpoints.glob("step_*") if checkpoint_step(folder) is not None]

    def _carry(self, folder: Path) -> None:
        crash_point("upload.before")
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        files = [*manifest.files, describe(folder / MANIFEST)]
        upload = CheckpointUpload(run_id=self.claim.run_id, checkpoint_id=checkpoint_id(self.claim.attempt_id, manifest.step), files=files)
        self._insist(lambda: self._upload(folder, upload), f"uploading the checkpoint of step {manifest.step}")
        self.said.read()
        commit = CheckpointCommit(
            fence=self.claim.fence,
            checkpoint_id=upload.checkpoint_id,
            step=manifest.step,
            tokens=manifest.tokens,
            metrics=finite(manifest.metrics) | self.said.offer(manifest.step),
            files=files,
        )
        crash_point("commit.before")
        self._insist(lambda: self.host.api.commit_checkpoint(self.claim.attempt_id, commit), "committing a checkpoint")
        crash_point("commit.after")

    def _upload(self, folder: Path, upload: CheckpointUpload) -> None:
        for put in self.host.storage.start_checkpoint_upload(upload).puts:
            self.transfers.put(folder / put.name, put.url)
            crash_point("upload.between_files")
        crash_point("upload.before_complete")
        self.host.storage.complete_checkpoint_upload(upload)

    def _insist(self, call: Callable[[], None], what: str) -> None:
        patiently(call, f"{self.claim.attempt_id}: {what}", self.give_up, seconds=INSIST_SECONDS)

    def _is_hopeless(self, what: str, error: Exception) -> bool:
        """What storage or api refuses for itself must not hold up the run: after a few tries it is left out."""
        self.faults[what] += 1
        log.error("%s: %s is refused: %s", self.claim.attempt_id, what, error)
        return self.faults[what] >= FAULTS

    def _keep_newest(self) -> None:
        """The last local copies spare the next attempt a download, unless the child has no room for its next checkpoint."""
        if self.said.failures:
            spare = [folder for folder in self.done if folder not in self.refused]
        else:
            spare = sorted(self.done, key=step_of)[:-LOCAL_COPIES]
        for folder in spare:
            shutil.rmtree(folder, ignore_errors=True)


def step_of(folder: Path) -> int:
    """Of a finished checkpoint, also of one that has been removed here."""
    return int(folder.name.removeprefix("step_"))


def checkpoint_id(attempt_id: str, step: int) -> str:
    """The same for every try at the same upload, also after a restart of the agent; as hard to guess as the attempt's id."""
    digest = hashlib.sha256(f"{attempt_id} {step}".encode()).digest()
    return f"ckpt_{base64.b32encode(digest[:10]).decode().lower()}"
