"""Text from a checkpoint, at once or token by token."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from groundup.problems import ApiProblem, LocalProblem, Unreachable
from groundup.records import read
from groundup.transport import Transport

_PATIENCE: Final = 190.0
"""Seconds; a little more than the gateway's own."""


@dataclass(frozen=True)
class Output:
    text: str
    finish_reason: str = ""
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float | None] = field(default_factory=list)


@dataclass(frozen=True)
class Generation:
    checkpoint_id: str
    outputs: list[Output] = field(default_factory=list, metadata={"of": Output})
    step: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class StreamedToken:
    """`index`: of the prompt that grew by `text`."""

    index: int
    text: str
    token: int | None = None
    logprob: float | None = None


@dataclass(frozen=True)
class Sampling:
    """How to choose the next token; `seed` makes it repeatable."""

    max_new_tokens: int = 100
    temperature: float = 0.8
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None


class Generator:
    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def generate(self, source: str, prompts: list[str], sampling: Sampling = Sampling()) -> Generation:
        """`source`: a run's id (its newest checkpoint), a checkpoint's, or an alias (`project/name`)."""
        body = _body(source, prompts, sampling)
        return read(Generation, self.transport.post("/api/v1/generate", body, timeout=_PATIENCE))

    def stream(self, source: str, prompt: str, sampling: Sampling = Sampling()) -> Iterator[StreamedToken]:
        """The text as it is made; its last piece may have no token. Raises Unreachable where the stream ends before the text does."""
        body = _body(source, [prompt], sampling) | {"stream": True}
        with self.transport.post_stream("/api/v1/generate", body, timeout=_PATIENCE) as response:
            for message in server_sent(response.iter_lines()):
                if message.get("kind") in {"token", "end"} and message.get("text"):
                    yield read(StreamedToken, message)
                elif message.get("kind") == "done":
                    return
                elif message.get("kind") == "error":
                    raise _failure(message)
        raise Unreachable("the answer broke off before its end", remedy="ask again; `groundup doctor` tells whether the generator runs")


def server_sent(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The JSON of each server-sent event; comments, names and ids are passed over."""
    data: list[str] = []
    for line in lines:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield _message("\n".join(data))
            data = []


def _message(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except ValueError as error:
        raise LocalProblem(f"the server streamed what is not JSON: {text[:80]}") from error
    return message if isinstance(message, dict) else {}


def _body(source: str, prompts: list[str], sampling: Sampling) -> dict[str, Any]:
    key = "alias" if "/" in source else "run_id" if source.startswith("run_") else "checkpoint_id"
    prompt: dict[str, Any] = {"prompt": prompts[0]} if len(prompts) == 1 else {"prompts": prompts}
    return {key: source, **prompt, **{name: value for name, value in vars(sampling).items() if value is not None}}


def _failure(message: dict[str, Any]) -> ApiProblem:
    return ApiProblem(str(message.get("text") or message.get("detail") or "generation failed"), status=502, code="generation-failed")
