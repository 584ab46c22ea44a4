"""Committed checkpoints. Their files are read through storage."""

from flask_openapi3.blueprint import APIBlueprint
from sqlalchemy import select

from services.api.answers import CheckpointAnswer, CheckpointPage, checkpoint_answer
from services.api.models import Checkpoint, Run
from services.api.paging import newest_first
from services.api.parts import parts
from services.api.paths import CheckpointPath, RunPath
from serving.idempotency import Answer
from serving.paging import PageQuery
from shared.errors import NotFound

api = APIBlueprint("checkpoints", __name__)


@api.get("/api/v1/checkpoints", responses={200: CheckpointPage})
def list_checkpoints(query: PageQuery) -> Answer:
    """List the checkpoints of all runs, newest first"""
    with parts().database.reading() as session:
        rows, cursor = newest_first(session, select(Checkpoint), Checkpoint, query)
    return CheckpointPage(items=[checkpoint_answer(row) for row in rows], next_cursor=cursor).model_dump(), 200


@api.get("/api/v1/runs/<run_id>/checkpoints", responses={200: CheckpointPage})
def list_checkpoints_of_run(path: RunPath, query: PageQuery) -> Answer:
    """List the checkpoints of a run, newest first"""
    with parts().database.reading() as session:
        if session.get(Run, path.run_id) is None:
            raise NotFound(f"there is no run {path.run_id}")
        of_run = select(Checkpoint).where(Checkpoint.run_id == path.run_id)
        rows, cursor = newest_first(session, of_run, Checkpoint, query)
    return CheckpointPage(items=[checkpoint_answer(row) for row in rows], next_cursor=cursor).model_dump(), 200


@api.get("/api/v1/checkpoints/<checkpoint_id>", responses={200: CheckpointAnswer})
def get_checkpoint(path: CheckpointPath) -> Answer:
    """Show a checkpoint"""
    with parts().database.reading() as session:
        checkpoint = session.get(Checkpoint, path.checkpoint_id)
        if checkpoint is None:
            raise NotFound(f"there is no checkpoint {path.checkpoint_id}")
        return checkpoint_answer(checkpoint).model_dump(), 200
