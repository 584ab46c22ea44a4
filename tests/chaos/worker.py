"""The hands of an agent in this process: claims a run, restores as an agent and as a child do, without training."""

import logging
import shutil
import uuid
from pathlib import Path
from threading import Event
from typing import Any, cast

from services.trainer import checkpoint, prepare
from services.trainer.host import Host
from services.trainer.rundir import RunDirectory
from services.trainer.settings import AgentSettings
from services.trainer.transfers import Transfers, store_client
from services.trainer.world import World
from shared.conversation import AttemptReport, CheckpointRef, Claim, ClaimRequest, Heartbeat, Progress, SlotReport
from shared.names import PROTOCOL
from tests.chaos.known import known_parts
from tests.chaos.platform import Platform
from tests.servers import wait_until

SLOT = SlotReport(id="chaos/cpu0", device="cpu", name="cpu")


class Listener(logging.Handler):
    """What the transfers warn of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Worker:
    """After `claim`: of one attempt, whose run directory it has. `told`: what the last restore said to the run."""

    def __init__(self, platform: Platform) -> None:
        settings = AgentSettings.read(platform.environ, platform.folder)
        self.platform, nobody, self.http = platform, cast(Any, None), store_client()
        self.host = Host(settings, uuid.uuid4().hex, platform.api, platform.storage, self.http, nobody, {}, 1, nobody, lambda: None)
        self.transfers = Transfers(self.http, Event())
        self.told: list[str] = []

    def claim(self) -> Claim:
        """Take over whatever an earlier agent of this name had."""
        found: list[str] = []

        def beat() -> bool:
            found[:] = self._beat([])
            return bool(found)

        wait_until(beat, "nothing is assigned to the worker")
        request = ClaimRequest(worker=self.host.settings.name, instance=self.host.instance)
        self.of: Claim = self.platform.api.claim(found[0], request)
        self.directory = RunDirectory(self.host.attempts_folder / self.of.attempt_id)
        shutil.rmtree(self.host.attempts_folder, ignore_errors=True)  # no local copies
        self.directory.root.mkdir(parents=True)
        return self.of

    def _beat(self, attempts: list[AttemptReport]) -> list[str]:
        facts = {"protocol": PROTOCOL, "instance": self.host.instance, "host": "chaos", "slots": [SLOT], "attempts": attempts}
        return self.platform.api.heartbeat(self.host.settings.name, Heartbeat.model_validate(facts)).assignments

    def stay(self) -> None:
        """A heartbeat, so that the lease goes on."""
        self._beat([AttemptReport(attempt_id=self.of.attempt_id, fence=self.of.fence, progress=Progress())])

    def restore(self, *, afresh: bool = True) -> CheckpointRef | None:
        """As an agent does, into the run directory."""
        self.told = []
        if afresh:
            shutil.rmtree(self.directory.restore, ignore_errors=True)
        return prepare._restore(self.host, self.of, self.directory, self.transfers, self.told.append)

    def load(self, restored: CheckpointRef) -> list[str]:
        """As a child does; names of tensors that are wrong. Raises as checkpoint.restore does; then nothing was loaded, or it asserts."""
        parts = known_parts(restored.run_id, lambda: 0)
        try:
            state = checkpoint.restore(self.directory.restore, parts, World(), committed=restored.files)
        except Exception:
            assert not any(part.loaded for part in parts), "loaded in part"
            raise
        return [name for part in parts for name in part.wrong(restored.step)] + ([] if state.step == restored.step else ["the step"])

    def copy(self, source: Path, step: int) -> Path:
        """A local copy as an earlier attempt's, of its own bytes."""
        target = self.host.attempts_folder / "att_before" / "checkpoints" / f"step_{step:08d}"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        return target

    def forget_copies(self) -> None:
        shutil.rmtree(self.host.attempts_folder / "att_before", ignore_errors=True)

    def close(self) -> None:
        self.http.close()
