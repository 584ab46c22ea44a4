"""Ids in paths."""

from typing import Annotated

from pydantic import BaseModel, Field

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class RunPath(BaseModel):
    run_id: Id


class CheckpointPath(BaseModel):
    checkpoint_id: Id


class AttemptPath(BaseModel):
    attempt_id: Id


class TokenPath(BaseModel):
    token_id: Id
