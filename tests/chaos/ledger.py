"""What the api's tables say of checkpoints: the rows, and the events that were written in the same transactions, in their order."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from services.api.checkpoint_models import Checkpoint, DeletedCheckpoint
from services.api.models import Attempt, OutboxRow
from serving.database import Database


def uncommitted_or_wrong(tables: Database, verdict: dict[str, Any]) -> str:
    """What is wrong with what an attempt went on from; empty where nothing is. For the run's current attempt: its checkpoints are held."""
    run_id, number, step = verdict["run"], verdict["attempt"], verdict["restored"]
    where = f"attempt {number} of {run_id}"
    with tables.reading() as session:
        attempt = session.scalars(select(Attempt).where(Attempt.run_id == run_id, Attempt.number == number)).one()
        deleted = session.scalar(select(func.count()).where(DeletedCheckpoint.run_id == run_id))
        rows = list(session.scalars(select(Checkpoint).where(Checkpoint.run_id == run_id, Checkpoint.step == (step or 0))))
    if (step or 0) != attempt.resume_step:
        return f"{where} went on from step {step}, the newest committed one when it was claimed was {attempt.resume_step}"
    if step is None:
        return ""
    if verdict["wrong"]:
        return f"{where} went on from step {step} with other tensors: {', '.join(verdict['wrong'])}"
    if not rows and deleted:
        return ""  # it has had its successors and went by retention, before we looked; its tensors were right
    if not any(committed_manifest(row) == verdict["manifest"] and row.damaged_at is None for row in rows):
        return f"{where} went on from step {step}, which is not committed as it found it"
    return ""


def committed_manifest(row: Checkpoint) -> str:
    """The SHA-256 of its manifest."""
    return str(next(file["sha256"] for file in row.files if file["name"] == "manifest.json"))


@dataclass(frozen=True)
class Ledger:
    """Of one run that has ended."""

    tables: Database
    run_id: str

    def mistakes(self) -> list[str]:
        """Claims that were not offered the newest checkpoint, and committed ones that are neither there nor deleted by retention."""
        found: list[str] = []
        there: dict[str, int] = {}
        for event in self._events():
            if event["type"] == "CheckpointCommitted":
                there[event["checkpoint_id"]] = event["step"]
            elif event["type"] in {"CheckpointDeleted", "CheckpointDamaged"}:
                if there.pop(event["checkpoint_id"], None) is None and event["type"] == "CheckpointDeleted":
                    found.append(f"{self.run_id}: {event['checkpoint_id']} was deleted twice or never committed")
            elif event["type"] == "AttemptClaimed":
                newest = max(there.values(), default=0)
                if event["resume_step"] != newest:
                    told = f"claimed to go on from step {event['resume_step']}, the newest one was {newest}"
                    found.append(f"{self.run_id}: attempt {event['attempt']} {told}")
        with self.tables.reading() as session:
            rows = set(session.scalars(select(Checkpoint.id).where(Checkpoint.run_id == self.run_id)))
        # A deletion between the events and the rows is read in the second look.
        gone = {event["checkpoint_id"] for event in self._events() if event["type"] == "CheckpointDeleted"}
        found += [f"{self.run_id}: {lost} was committed, is not there and was not deleted" for lost in there.keys() - rows - gone]
        return found

    def _events(self) -> list[dict[str, Any]]:
        with self.tables.reading() as session:
            rows = session.scalars(select(OutboxRow).where(OutboxRow.topic == self.run_id).order_by(OutboxRow.seq))
            return [row.event for row in rows]
