"""`python -m tests.bench.carrier <root> <store's url> <claim>`: the part of an agent that uploads and commits, as a process to be killed.

It carries what it finds until its standard input ends, and then what is left. `root`/store and `root`/commits are what it writes to.
"""

import logging
import os
import sys
import uuid
from pathlib import Path
from typing import Any, cast

from services.trainer.courier import Courier
from services.trainer.host import Host
from services.trainer.progress import SpoolWatch
from services.trainer.rundir import RunDirectory
from services.trainer.settings import AgentSettings
from services.trainer.transfers import store_client
from shared.conversation import Claim
from shared.crash import arm
from tests.bench.store import Commits, Storage


def host(root: Path, url: str) -> Host:
    """An agent's, but for Redis and the starting of children."""
    settings = AgentSettings.read({"GROUNDUP_WORKER_NAME": "bench", "GROUNDUP_AGENT_PORT": "8"}, root)
    storage, nobody = Storage(url, root / "store"), cast(Any, None)
    return Host(settings, uuid.uuid4().hex, Commits(root / "commits"), storage, store_client(), nobody, {}, 1, nobody, lambda: None)


def main() -> int:
    root, url, claim = Path(sys.argv[1]), sys.argv[2], Claim.model_validate_json(sys.argv[3])
    arm(os.environ.get("CRASH_AT", ""))
    ours = host(root, url)
    watch = SpoolWatch(RunDirectory(ours.attempts_folder / claim.attempt_id).spool)
    courier = Courier(ours, claim, watch, lambda reason: sys.exit(reason), logging.getLogger(__name__).warning)
    courier.start(claim.checkpoints[0].step if claim.checkpoints else None)
    sys.stdin.read()
    missing = courier.finish(lambda: False)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
