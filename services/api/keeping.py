"""What keeps checkpoints, as the tables say it: a few queries for any number of runs."""

from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from services.api.checkpoint_models import Checkpoint, CheckpointAlias
from services.api.journal import OPEN
from services.api.models import Attempt, Command, Run
from services.api.retention import Hold, Situation, holds
from shared.commands import CommandType
from shared.names import FINAL_STATES
from shared.spec import CheckpointSpec


def holds_of_runs(session: Session, run_ids: Collection[str]) -> dict[str, list[Hold]]:
    """For every checkpoint of these runs why it is kept. It stays true while the runs are locked: pins, aliases, claims, commits and
    damage all lock the run first.
    """
    of_runs = select(Checkpoint).where(Checkpoint.run_id.in_(run_ids)).options(defer(Checkpoint.files, raiseload=True))
    checkpoints: dict[str, list[Checkpoint]] = {}
    for checkpoint in session.scalars(of_runs.execution_options(populate_existing=True)):
        checkpoints.setdefault(checkpoint.run_id, []).append(checkpoint)
    names = aliases_of(session, [each.id for of_run in checkpoints.values() for each in of_run])
    found: dict[str, list[Hold]] = {}
    for run_id, situation in _situations(session, run_ids):
        found |= holds(situation, checkpoints.get(run_id, ()), names)
    for checkpoint_id, name in _origins(session, found):
        found[checkpoint_id].append(Hold(f"run {name} begins from it", needed=True))
    for checkpoint_id in _targets(session, run_ids):
        if checkpoint_id in found:
            found[checkpoint_id].append(Hold("a rollback goes back to it", needed=True))
    return found


def _origins(session: Session, checkpoint_ids: Collection[str]) -> Iterable[tuple[str, str]]:
    """Checkpoints that a run of another id was forked from and may have to begin from again, until it has ended."""
    going = (Run.origin_checkpoint_id.in_(checkpoint_ids), Run.state.not_in(FINAL_STATES))
    return [
        (row[0], row[1]) for row in session.execute(select(Run.origin_checkpoint_id, Run.name).where(*going).order_by(Run.name)) if row[0]
    ]


def _targets(session: Session, run_ids: Collection[str]) -> list[str]:
    """Checkpoints that runs have been asked to go back to, and have not yet."""
    open_ones = select(Command.arguments).where(Command.state.in_(OPEN), Command.type == CommandType.ROLLBACK)
    return [arguments["checkpoint_id"] for arguments in session.scalars(open_ones.where(Command.run_id.in_(run_ids)))]


def aliases_of(session: Session, checkpoint_ids: Collection[str]) -> dict[str, list[str]]:
    """Checkpoint id -> its aliases, sorted."""
    columns = (CheckpointAlias.checkpoint_id, CheckpointAlias.name)
    found: dict[str, list[str]] = {}
    for checkpoint_id, name in session.execute(select(*columns).where(columns[0].in_(checkpoint_ids)).order_by(columns[1])):
        found.setdefault(checkpoint_id, []).append(name)
    return found


def _situations(session: Session, run_ids: Collection[str]) -> Iterable[tuple[str, Situation]]:
    """An attempt that is running has read the checkpoint it goes on from (services/trainer/training.py), and needs no other."""
    columns = (Run.id, Run.spec, Run.state, Attempt.number, Attempt.fence, Attempt.state)
    query = select(*columns).outerjoin(Attempt, Attempt.id == Run.current_attempt_id).where(Run.id.in_(run_ids))
    for run_id, spec, state, number, fence, attempt_state in session.execute(query):
        policy = CheckpointSpec.model_validate(spec.get("train", {}).get("checkpoint", {}))
        claimed = (number, fence) if attempt_state == "claimed" and fence is not None else None
        yield run_id, Situation(policy, state not in FINAL_STATES, claimed)
