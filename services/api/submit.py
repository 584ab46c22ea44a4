"""From what a person wrote to a run that can be queued: every mistake that can be seen now is told now, never after the queue."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.api.estimate import Estimate, estimate
from services.api.models import Run, Slot, Worker
from services.api.outbox import record
from services.api.parts import Parts
from services.api.room import measure, preflight
from serving.ids import new_id
from shared.errors import FieldError, InvalidFields
from shared.internal import Resolved, ResolveRequest
from shared.names import CLUSTER_TOPIC, RunState
from shared.run_events import RunCreated, RunStateChanged
from shared.spec import RunSpec, parse_spec


@dataclass(frozen=True)
class Submission:
    spec: RunSpec
    resolved: Resolved
    cost: Estimate
    warnings: list[FieldError]


def check(parts: Parts, given: object) -> Submission:
    """Raises InvalidField(s) naming what is at fault: fields, their combinations, dataset, tokenizer, the cluster's size, its room."""
    spec = parse_spec(given)
    resolved = parts.storage.resolve(ResolveRequest(dataset=spec.dataset, tokenizer=spec.tokenizer))
    errors = too_few_tokens(spec, int(resolved.dataset.bytes / resolved.tokenizer.bytes_per_token))
    capacity, cost = parts.storage.capacity(), estimate(spec, resolved.tokenizer)
    with parts.database.reading() as session:
        errors += too_few_slots(session, spec)
        too_large, warnings = preflight(measure(session, parts.keeping.quota, capacity), spec, cost.checkpoint_bytes)
    if errors := [*errors, *too_large]:
        raise InvalidFields(tuple(errors))
    return Submission(spec, resolved, cost, warnings)


def too_few_tokens(spec: RunSpec, tokens: int) -> list[FieldError]:
    """The training share must hold a batch of sequences and one more (each epoch starts elsewhere), the holdout a batch."""
    batch, length = spec.train.batch_size, spec.model.sequence_length
    training = int(tokens * (1 - spec.train.evaluate.holdout))
    shares = (("training share", training, (batch + 1) * length + 1), ("holdout", tokens - training, batch * length + 1))
    small = [f"its {name} has about {have} tokens of {needed}" for name, have, needed in shares if have < needed]
    if not small:
        return []
    remedy = "use more text, a smaller train.batch_size or a smaller model.sequence_length"
    sizes = f"{batch} sequences of {length} tokens"
    return [FieldError("dataset", f"'{spec.dataset}' is smaller than a batch of {sizes}: {' and '.join(small)}; {remedy}")]


def too_few_slots(session: Session, spec: RunSpec) -> list[FieldError]:
    """A run's processes are on one worker and of one kind of device. Where no worker is known yet, any number may come."""
    if not session.scalar(select(func.count()).select_from(Worker).where(Worker.instance != "")):
        return []
    counts = select(func.count()).select_from(Slot).group_by(Slot.worker, Slot.device)
    if spec.compute.device != "auto":
        counts = counts.where(Slot.device == spec.compute.device)
    most, asked = max(session.scalars(counts), default=0), spec.compute.processes_per_node
    if asked <= most:
        return []
    kind = "" if spec.compute.device == "auto" else f" {spec.compute.device}"
    remedy = f"use at most {most}" if most else "choose another device"
    return [FieldError("compute.processes_per_node", f"{asked} processes, but the largest worker has {most}{kind} slots; {remedy}")]


def create(session: Session, submission: Submission, *, by: str, now: float) -> Run:
    spec = submission.spec
    run = Run(
        id=new_id("run"),
        name=spec.name,
        project=spec.project,
        state=RunState.QUEUED,
        reason="waits for the scheduler",
        created_at=now,
        created_by=by,
        spec=spec.model_dump(mode="json"),
        resolved=submission.resolved.model_dump(mode="json"),
        priority=spec.compute.priority,
        processes=spec.compute.world_size,
        device=spec.compute.device,
    )
    session.add(run)
    record(session, run.id, RunCreated(name=spec.name, by=by, alerts=spec.alerts), now)
    record(session, CLUSTER_TOPIC, RunStateChanged(run_id=run.id, old="", new=RunState.QUEUED, by=by), now)
    return run
