"""Before a run can be placed its dataset must lie in storage as tokens of its tokenizer."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select, update

from services.api.models import Run
from services.api.placement import tell_reasons
from services.api.rows import locked, rows_changed
from services.api.states import change_state
from services.api.submit import too_few_tokens
from serving.database import Database
from shared.errors import GroundupError, InvalidField, InvalidFields
from shared.internal import Prepared, PrepareRequest, Resolved
from shared.names import RunState
from shared.spec import RunSpec
from shared.storage_client import StorageClient

ASK_EVERY = 1.0
"""Seconds between two questions about the same tokens."""


class Preparing:
    """Asks storage for the tokens of queued runs, outside of any transaction, and for each pair only now and then."""

    def __init__(self, database: Database, storage: StorageClient) -> None:
        self.database, self.storage = database, storage
        self.ask_after: dict[PrepareRequest, float] = {}

    def step(self, now: float) -> None:
        """Raises what storage answers where it cannot or will not; the runs say so and wait."""
        waiting: dict[PrepareRequest, list[Run]] = {}
        with self.database.reading() as session:
            for run in session.scalars(select(Run).where(Run.state == RunState.QUEUED, Run.prepared_id.is_(None))):
                waiting.setdefault(_request(run), []).append(run)
        self.ask_after = {request: after for request, after in self.ask_after.items() if request in waiting}
        for request, runs in waiting.items():
            if self.ask_after.get(request, 0) <= now:
                self.ask_after[request] = now + ASK_EVERY
                self._ask(request, runs, now)

    def _ask(self, request: PrepareRequest, runs: list[Run], now: float) -> None:
        try:
            prepared = self.storage.prepare(request)
        except (InvalidField, InvalidFields) as fault:
            self._fail(runs, f"its dataset cannot be prepared: {fault.detail}", now)
            return
        except GroundupError as fault:  # a wrong secret or address is nothing that a run is at fault for
            self._tell(runs, f"waits for storage: {fault.detail}")
            raise
        if prepared.state == "failed":
            self._fail(runs, f"preparing the dataset failed: {prepared.reason}", now)
        elif prepared.state == "ready":
            self._ready(runs, prepared, now)
        else:
            self._tell(runs, f"preparing the dataset: {prepared.progress:.0%}".replace("%", " %"))

    def _ready(self, runs: list[Run], prepared: Prepared, now: float) -> None:
        ready = []
        for run in runs:
            if errors := too_few_tokens(RunSpec.model_validate(run.spec), prepared.tokens):
                self._fail([run], errors[0].message, now)
            else:
                ready.append(run.id)
        with self.database.writing() as session:
            still_queued = update(Run).where(Run.id.in_(ready), Run.state == RunState.QUEUED)
            rows_changed(session, still_queued.values(prepared_id=prepared.id))

    def _tell(self, runs: Sequence[Run], reason: str) -> None:
        tell_reasons(self.database, {run.id: reason for run in runs}, {run.id: run.reason for run in runs})

    def _fail(self, runs: Iterable[Run], reason: str, now: float) -> None:
        for waiting in runs:
            with self.database.writing() as session:
                run = locked(session, Run, waiting.id)
                if run is not None and run.state == RunState.QUEUED:
                    change_state(session, run, RunState.FAILED, by="scheduler", reason=reason, now=now)


def _request(run: Run) -> PrepareRequest:
    resolved = Resolved.model_validate(run.resolved)
    return PrepareRequest(dataset_id=resolved.dataset.id, tokenizer_id=resolved.tokenizer.id)
