"""Before a run can be placed its dataset must lie in storage as tokens of its tokenizer."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, select, update

from services.api.models import Run
from services.api.placement import tell_reasons
from services.api.rows import batches, locked, rows_changed
from services.api.states import change_state
from services.api.submit import too_few_tokens
from serving.database import Database
from shared.errors import GroundupError, InvalidField, InvalidFields
from shared.internal import Prepared, PrepareRequest
from shared.names import RunState
from shared.spec import RunSpec
from shared.storage_client import StorageClient

ASK_EVERY = 1.0
"""Seconds between two questions about the same tokens."""


_DATASET, _TOKENIZER = (Run.resolved[part]["id"].as_string() for part in ("dataset", "tokenizer"))
_UNPREPARED = (Run.state == RunState.QUEUED, Run.prepared_id.is_(None))


class Preparing:
    """Asks storage for the tokens of queued runs, outside of any transaction, and for each pair only now and then."""

    def __init__(self, database: Database, storage: StorageClient) -> None:
        self.database, self.storage = database, storage
        self.ask_after: dict[PrepareRequest, float] = {}

    def step(self, now: float) -> None:
        """Raises what storage answers where it cannot or will not; the runs say so and wait.

        What is asked for is found without loading the runs, of which thousands may wait for the same tokens.
        """
        pairs = select(_DATASET, _TOKENIZER).where(*_UNPREPARED).distinct().order_by(_DATASET, _TOKENIZER)
        with self.database.reading() as session:
            requests = [PrepareRequest(dataset_id=dataset, tokenizer_id=tokenizer) for dataset, tokenizer in session.execute(pairs)]
        self.ask_after = {request: self.ask_after.get(request, 0) for request in requests}
        for request in requests:
            if self.ask_after[request] <= now:
                self.ask_after[request] = now + ASK_EVERY
                self._ask(request, now)

    def _ask(self, request: PrepareRequest, now: float) -> None:
        try:
            prepared = self.storage.prepare(request)
        except (InvalidField, InvalidFields) as fault:
            self._fail(self._runs(request), f"its dataset cannot be prepared: {fault.detail}", now)
            return
        except GroundupError as fault:  # a wrong secret or address is nothing that a run is at fault for
            self._tell(request, f"waits for storage: {fault.detail}")
            raise
        if prepared.state == "failed":
            self._fail(self._runs(request), f"preparing the dataset failed: {prepared.reason}", now)
        elif prepared.state == "ready":
            self._ready(self._runs(request), prepared, now)
        else:
            self._tell(request, f"preparing the dataset: {prepared.progress:.0%}".replace("%", " %"))

    def _runs(self, request: PrepareRequest) -> list[Run]:
        with self.database.reading() as session:
            return list(session.scalars(select(Run).where(*_waiting_for(request))))

    def _ready(self, runs: list[Run], prepared: Prepared, now: float) -> None:
        ready = []
        for run in runs:
            if errors := too_few_tokens(RunSpec.model_validate(run.spec), prepared.tokens):
                self._fail([run], errors[0].message, now)
            else:
                ready.append(run.id)
        for some in batches(ready):
            with self.database.writing() as session:
                still_queued = update(Run).where(Run.id.in_(some), Run.state == RunState.QUEUED)
                rows_changed(session, still_queued.values(prepared_id=prepared.id))

    def _tell(self, request: PrepareRequest, reason: str) -> None:
        with self.database.reading() as session:
            told = {row.id: row.reason for row in session.execute(select(Run.id, Run.reason).where(*_waiting_for(request)))}
        tell_reasons(self.database, dict.fromkeys(told, reason), told)

    def _fail(self, runs: Iterable[Run], reason: str, now: float) -> None:
        for waiting in runs:
            with self.database.writing() as session:
                run = locked(session, Run, waiting.id)
                if run is not None and run.state == RunState.QUEUED:
                    change_state(session, run, RunState.FAILED, by="scheduler", reason=reason, now=now)


def _waiting_for(request: PrepareRequest) -> tuple[ColumnElement[bool], ...]:
    return (*_UNPREPARED, request.dataset_id == _DATASET, request.tokenizer_id == _TOKENIZER)
