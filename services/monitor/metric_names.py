"""Which metrics a run may have: a name that fits, and not more of them than anybody can look at."""

import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.monitor.models import MetricChunk

MAX_NAMES: Final = 2000
"""Distinct names of a run. Each costs the history a row that is written again several times a second, and the page of the run a chart."""
MAX_LENGTH: Final = 200
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]+(/[A-Za-z0-9_.\-]+)*")
_RUNS: Final = 1000


class MetricNames:
    """The names of the runs heard of lately: a memory only. A name that did not get into the database counts against its run, no more."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, set[str]] = OrderedDict()

    def split(self, session: Session, run_id: str, names: Iterable[str]) -> tuple[set[str], str]:
        """Those of `names` that are taken, and why others are not; empty where all are."""
        known = self._of(session, run_id)
        taken: set[str] = set()
        refused = ""
        for name in names:
            if name in known:
                taken.add(name)
            elif len(name) > MAX_LENGTH or not _NAME.fullmatch(name):
                refused = f"{name[:80]!r} is no metric's name: use letters, digits, '_', '.', '-', in groups with '/', at most {MAX_LENGTH}"
            elif len(known) >= MAX_NAMES:
                refused = f"a run has at most {MAX_NAMES} metrics; {name[:80]!r} would be one more"
            else:
                known.add(name)
                taken.add(name)
        return taken, refused

    def forget(self, run_id: str) -> None:
        self._known.pop(run_id, None)

    def _of(self, session: Session, run_id: str) -> set[str]:
        if run_id not in self._known:
            self._known[run_id] = set(session.scalars(select(MetricChunk.name).where(MetricChunk.run_id == run_id).distinct()))
            while len(self._known) > _RUNS:
                self._known.popitem(last=False)
        self._known.move_to_end(run_id)
        return self._known[run_id]
