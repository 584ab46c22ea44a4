"""Parts of addresses."""

from pydantic import BaseModel, Field


class RunPath(BaseModel):
    run_id: str = Field(max_length=200)
