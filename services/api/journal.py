"""What a run has changed about itself, by step: given to every attempt, so that it goes on as it would have, and to replays."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.models import Command, Run
from shared.commands import JOURNALED, Hyperparameters, JournalEntry, with_hyperparameters
from shared.spec import RunSpec, TrainSpec

OPEN = ("requested", "accepted")


def journal_of(session: Session, run: Run) -> list[JournalEntry]:
    """In the order of their steps; what a replay was given at birth comes before what was asked of it itself."""
    own = select(Command).where(Command.run_id == run.id, Command.type.in_(JOURNALED), Command.state == "applied")
    own = own.where(Command.undone_at.is_(None)).order_by(Command.step, Command.ended_at, Command.created_at)
    entries = [JournalEntry.model_validate(entry) for entry in run.journal]
    for command in session.scalars(own):
        entries.append(JournalEntry(step=command.step or 0, command_id=command.id, type=command.type, arguments=command.arguments))
    return sorted(entries, key=lambda entry: entry.step)


def folded(spec: RunSpec, entries: Iterable[JournalEntry]) -> RunSpec:
    """`spec` with all of it applied."""
    for entry in entries:
        spec = with_hyperparameters(spec, Hyperparameters.model_validate(entry.arguments))
    return spec


def note_changes(session: Session, run: Run) -> None:
    """Keep `run.train` what it is now; a replay's is what it comes to in the end."""
    session.flush()
    entries = journal_of(session, run)
    spec = RunSpec.model_validate(run.spec)
    run.train = folded(spec, entries).train.model_dump(mode="json") if entries else None


def spec_now(run: Run) -> RunSpec:
    """The spec as it was submitted, with what was changed since."""
    spec = RunSpec.model_validate(run.spec)
    return spec.model_copy(update={"train": TrainSpec.model_validate(run.train)}) if run.train else spec


def open_commands(session: Session, run_id: str) -> list[Command]:
    """Oldest first."""
    query = select(Command).where(Command.run_id == run_id, Command.state.in_(OPEN))
    return list(session.scalars(query.order_by(Command.created_at, Command.id)))
