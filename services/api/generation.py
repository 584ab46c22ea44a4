"""The conversation with the generator over Redis: one request into a list, its replies out of a stream of their own."""

import time
from collections.abc import Generator, Iterator
from threading import BoundedSemaphore
from typing import Any, Final, cast

import redis
from pydantic import BaseModel

from shared.errors import EnvironmentFault, UserError
from shared.events import pack, unpack
from shared.generation import GenerateReply, GenerateRequest
from shared.names import GENERATE_REQUESTS, GENERATOR_ALIVE, generate_replies

SECONDS: Final = 120.0
SLICE_SECONDS: Final = 2.0


class Output(BaseModel):
    """What one prompt grew by. `logprobs[i]` is of `tokens[i]`; `finish_reason`: length or end_of_text."""

    text: str = ""
    tokens: list[int] = []
    logprobs: list[float | None] = []
    finish_reason: str = ""


class Outputs:
    def __init__(self, prompts: int) -> None:
        self.items = [Output(tokens=[], logprobs=[]) for _ in range(prompts)]

    def add(self, reply: GenerateReply) -> None:
        output = self.items[reply.index]
        output.text += reply.text
        if reply.token is not None:
            output.tokens.append(reply.token)
            output.logprobs.append(reply.logprob)
        if reply.kind == "end":
            output.finish_reason = reply.finish_reason


def replies(
    client: redis.Redis, request: GenerateRequest, seats: BoundedSemaphore, *, seconds: float = SECONDS
) -> Generator[GenerateReply, None, None]:
    """Replies up to `done`, `seconds` at most between one and the next. To close it is to leave.

    Raises EnvironmentFault where no seat is free, no generator serves or answers in time, or Redis is down; UserError where the
    generator gives up.
    """
    if not seats.acquire(blocking=False):
        raise EnvironmentFault("too many texts are being generated at this moment", remedy="try again in a few seconds", code="busy")
    try:
        for reply in _conversation(client, request, seconds):
            if reply.kind == "error":
                raise UserError(reply.text, code="generation-failed")
            yield reply
    except redis.RedisError as error:
        raise EnvironmentFault(f"Redis does not answer: {error}", remedy="`groundup doctor` tells what is down") from error
    finally:
        seats.release()


def _conversation(client: redis.Redis, request: GenerateRequest, seconds: float) -> Iterator[GenerateReply]:
    if not client.exists(GENERATOR_ALIVE):
        raise EnvironmentFault("no generator is running", remedy="start it: `python -m services.trainer.main_generator`, or `./run up`")
    message, stream, last = pack(request.model_dump()), generate_replies(request.id), b"0"
    client.rpush(GENERATE_REQUESTS, message)
    try:
        while True:
            entries = _read(client, stream, last, time.monotonic() + seconds)
            for entry_id, fields in entries:
                last, reply = entry_id, GenerateReply.model_validate(unpack(fields[b"r"]))
                yield reply
                if reply.kind in {"done", "error"}:
                    return
    finally:
        client.lrem(GENERATE_REQUESTS, 1, cast(str, message))  # nobody waits for it any more
        client.delete(stream)


def _read(client: redis.Redis, stream: str, last: bytes, deadline: float) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The next replies. Raises EnvironmentFault when the time is up."""
    while (left := deadline - time.monotonic()) > 0:
        block = max(1, int(min(left, SLICE_SECONDS) * 1000))
        if answer := cast(Any, client.xread({stream: last}, count=100, block=block)):
            return list(answer[0][1])
    raise EnvironmentFault("the generator did not answer in time", remedy="ask for fewer tokens, or look at the generator's log")
