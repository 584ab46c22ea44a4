"""What a run has changed about itself, by step: given to every attempt, so that it goes on as it would have, and to replays."""

import logging
from collections.abc import Iterable

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from services.api.models import Command, Run
from shared.commands import JOURNALED, Hyperparameters, JournalEntry, with_hyperparameters
from shared.errors import InvalidFields
from shared.spec import RunSpec, TrainSpec

log = logging.getLogger(__name__)
OPEN = ("requested", "accepted")


def journal_of(session: Session, run: Run) -> list[JournalEntry]:
    """In the order of their steps; what a replay was given at birth comes before what was asked of it itself."""
    return _journal(session, run, Command.undone_at.is_(None))


def _journal_until(session: Session, run: Run, moment: float) -> list[JournalEntry]:
    """As it was when the run was rolled back at `moment`."""
    return _journal(session, run, Command.ended_at <= moment, or_(Command.undone_at.is_(None), Command.undone_at >= moment))


def _journal(session: Session, run: Run, *which: ColumnElement[bool]) -> list[JournalEntry]:
    own = select(Command).where(Command.run_id == run.id, Command.type.in_(JOURNALED), Command.state == "applied", *which)
    entries = [JournalEntry.model_validate(entry) for entry in run.journal]
    for command in session.scalars(own.order_by(Command.step, Command.ended_at, Command.created_at)):
        entries.append(JournalEntry(step=command.step or 0, command_id=command.id, type=command.type, arguments=command.arguments))
    return sorted(entries, key=lambda entry: entry.step)


def folded(spec: RunSpec, entries: Iterable[JournalEntry]) -> RunSpec:
    """`spec` with all of it applied."""
    for entry in entries:
        spec = with_hyperparameters(spec, Hyperparameters.model_validate(entry.arguments))
    return spec


def spec_at(session: Session, run: Run, step: int, *, left_behind_at: float | None = None) -> RunSpec:
    """With what was applied up to and with `step`. `left_behind_at`: as the run was until then, before it was rolled back."""
    entries = journal_of(session, run) if left_behind_at is None else _journal_until(session, run, left_behind_at)
    return folded(RunSpec.model_validate(run.spec), [entry for entry in entries if entry.step <= step])


def note_changes(session: Session, run: Run) -> None:
    """Keep `run.train` what it is now; a replay's is what it comes to in the end.

    A worker's word must not be refused for it: what does not go with the rest (the training found it to, at its step) is left out.
    """
    session.flush()
    entries, spec = journal_of(session, run), RunSpec.model_validate(run.spec)
    for entry in entries:
        try:
            spec = folded(spec, [entry])
        except InvalidFields:
            log.exception("the change %s of run %s does not go with the others", entry.command_id, run.id)
    run.train = spec.train.model_dump(mode="json") if entries else None


def spec_now(run: Run) -> RunSpec:
    """The spec as it was submitted, with what was changed since."""
    spec = RunSpec.model_validate(run.spec)
    return spec.model_copy(update={"train": TrainSpec.model_validate(run.train)}) if run.train else spec


def open_commands(session: Session, run_id: str) -> list[Command]:
    """Oldest first."""
    query = select(Command).where(Command.run_id == run_id, Command.state.in_(OPEN))
    return list(session.scalars(query.order_by(Command.created_at, Command.id)))
