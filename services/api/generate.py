"""Text from a checkpoint: the request goes to the generator through Redis, its tokens come back as one answer or as server-sent events."""

import itertools
import json
import secrets
from collections.abc import Generator, Iterator
from typing import Annotated, Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from services.api.checkpoint_models import Checkpoint
from services.api.choosing import AliasRef, by_id, must_be_usable, named, newest_of_run
from services.api.commit import checkpoint_ref
from services.api.generation import Output, Outputs, replies
from services.api.parts import parts
from services.api.paths import Id
from serving.idempotency import Answer
from serving.ids import new_id
from shared.errors import FieldError, GroundupError, InvalidFields
from shared.generation import GenerateReply, GenerateRequest

api = APIBlueprint("generate", __name__)
Prompt = Annotated[str, Field(min_length=1, max_length=32_768)]
_SHOWN: Final = {
    "token": {"kind", "index", "text", "token", "logprob"},
    "end": {"kind", "index", "text", "finish_reason"},
    "done": {"kind"},
}
"""What of a reply goes into its server-sent event."""


class GenerateBody(BaseModel):
    """A checkpoint by its id or its alias (`project/name`), or a run (its newest one); and either one prompt or several.

    `seed` null: a random one, told in the answer.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    checkpoint_id: Id | None = None
    alias: AliasRef | None = None
    run_id: Id | None = None
    prompt: Prompt | None = None
    prompts: list[Prompt] | None = Field(None, min_length=1, max_length=16)
    max_new_tokens: int = Field(100, ge=1, le=4096)
    temperature: float = Field(0.8, ge=0, le=10, description="0 always takes the likeliest token")
    top_k: int | None = Field(None, ge=1)
    top_p: float | None = Field(None, gt=0, le=1)
    seed: int | None = Field(None, ge=0, lt=2**32)
    stream: bool = False


class GenerateAnswer(BaseModel):
    checkpoint_id: str
    step: int
    seed: int
    outputs: list[Output]


@api.post("/api/v1/generate", responses={200: GenerateAnswer})
def generate(body: GenerateBody) -> Answer | Response:
    """Generate text from a checkpoint

    With `stream` the answer is `text/event-stream`: events of kind `token`, `end` (of one prompt), `done`, and `error` where it broke off.
    """
    _check_choices(body)
    checkpoint = _find_checkpoint(body)
    prompts = [body.prompt] if body.prompt is not None else body.prompts or []
    request = GenerateRequest(
        id=new_id("gen"),
        checkpoint_id=checkpoint.id,
        files=parts().storage.presign_checkpoint(checkpoint_ref(checkpoint)),
        prompts=prompts,
        max_new_tokens=body.max_new_tokens,
        temperature=body.temperature,
        top_k=body.top_k,
        top_p=body.top_p,
        seed=secrets.randbits(32) if body.seed is None else body.seed,
    )
    incoming = replies(parts().redis, request, parts().conversations)
    first = next(incoming)  # what is wrong from the start is still a problem, with its own status
    if body.stream:
        return _streamed(first, incoming)
    outputs = Outputs(len(prompts))
    outputs.add(first)
    for reply in incoming:
        outputs.add(reply)
    answer = GenerateAnswer(checkpoint_id=checkpoint.id, step=checkpoint.step, seed=request.seed or 0, outputs=outputs.items)
    return answer.model_dump(), 200


def _check_choices(body: GenerateBody) -> None:
    errors = []
    if sum(given is not None for given in (body.checkpoint_id, body.alias, body.run_id)) != 1:
        errors.append(FieldError("checkpoint_id", "give one of checkpoint_id, alias and run_id"))
    if (body.prompt is None) == (body.prompts is None):
        errors.append(FieldError("prompt", "give either prompt or prompts"))
    if errors:
        raise InvalidFields(tuple(errors))


def _find_checkpoint(body: GenerateBody) -> Checkpoint:
    with parts().database.reading() as session:
        if body.checkpoint_id is not None:
            return must_be_usable(by_id(session, body.checkpoint_id))
        if body.alias is not None:
            return must_be_usable(named(session, body.alias))
        return newest_of_run(session, body.run_id or "")


def _streamed(first: GenerateReply, incoming: Generator[GenerateReply, None, None]) -> Response:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = Response(_server_sent(first, incoming), content_type="text/event-stream", headers=headers)
    response.call_on_close(incoming.close)  # also where the browser left before the first piece
    return response


def _server_sent(first: GenerateReply, incoming: Iterator[GenerateReply]) -> Iterator[str]:
    try:
        for reply in itertools.chain([first], incoming):
            yield f"data: {json.dumps(reply.model_dump(include=_SHOWN[reply.kind]))}\n\n"
    except GroundupError as error:  # the status was sent long ago
        yield f"data: {json.dumps({'kind': 'error', 'text': error.detail})}\n\n"
