"""Generation, with a generator of a few lines at the other end of a real Redis."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import redis

from services.api.generation import replies
from services.api.parts import CONVERSATIONS
from shared.bus import connect
from shared.errors import EnvironmentFault
from shared.events import pack, unpack
from shared.generation import GenerateReply, GenerateRequest
from shared.names import GENERATE_REQUESTS, GENERATOR_ALIVE, generate_replies
from shared.settings import Settings
from tests.api.stage import Stage
from tests.conftest import headers

EDITOR = headers("editor")
Speech = Callable[[GenerateRequest], list[GenerateReply]]


def letters(request: GenerateRequest) -> list[GenerateReply]:
    """Each prompt grows by `max_new_tokens` letters that depend on the seed."""
    said = []
    for index in range(len(request.prompts)):
        for number in range(request.max_new_tokens):
            token = ((request.seed or 0) + number) % 26
            said.append(GenerateReply(kind="token", index=index, text=chr(97 + token), token=token, logprob=-1.5))
        said.append(GenerateReply(kind="end", index=index, finish_reason="length"))
    return [*said, GenerateReply(kind="done")]


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    with connect(settings.redis_url, blocking_seconds=2) as client:
        yield client


@pytest.fixture
def generator(client: redis.Redis) -> Iterator[list[GenerateRequest]]:
    yield from speaking(client, letters)


def speaking(client: redis.Redis, speech: Speech) -> Iterator[list[GenerateRequest]]:
    """Serves until the block ends; yields the requests it got."""
    got: list[GenerateRequest] = []
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            if taken := cast(Any, client.blpop([GENERATE_REQUESTS], timeout=0.1)):
                got.append(GenerateRequest.model_validate(unpack(taken[1])))
                for reply in speech(got[-1]):
                    client.xadd(generate_replies(got[-1].id), {"r": pack(reply.model_dump())})

    client.set(GENERATOR_ALIVE, "1")
    thread = threading.Thread(target=serve)
    thread.start()
    yield got
    stop.set()
    thread.join()


def checkpointed(stage: Stage) -> Any:
    run, attempt, fence = stage.running()
    for step in (10, 20):
        stage.commit(attempt, fence, f"ckpt_{step}", step)
    return run


def ask(stage: Stage, **body: Any) -> Any:
    return stage.http.post("/api/v1/generate", json=body, headers=EDITOR)


def test_a_run_means_its_newest_checkpoint(stage: Stage, generator: list[GenerateRequest]) -> None:
    run = checkpointed(stage)
    answer = ask(stage, run_id=run["id"], prompts=["x", "y"], max_new_tokens=3, seed=7, temperature=0.5, top_k=5, top_p=0.9)
    output = {"text": "hij", "tokens": [7, 8, 9], "logprobs": [-1.5] * 3, "finish_reason": "length"}
    assert answer.json == {"checkpoint_id": "ckpt_20", "step": 20, "seed": 7, "outputs": [output, output]}
    (request,) = generator
    assert (request.prompts, request.temperature, request.top_k, request.top_p) == (["x", "y"], 0.5, 5, 0.9)
    assert [file.url for file in request.files] == ["http://s3/model.safetensors"]


def test_the_same_seed_gives_the_same_text_and_none_a_random_one(stage: Stage, generator: list[GenerateRequest]) -> None:
    checkpointed(stage)
    first = ask(stage, checkpoint_id="ckpt_10", prompt="x", max_new_tokens=5).json
    assert first["step"] == 10
    assert 0 <= first["seed"] < 2**32
    again = ask(stage, checkpoint_id="ckpt_10", prompt="x", max_new_tokens=5, seed=first["seed"]).json
    assert again == first
    assert len({ask(stage, checkpoint_id="ckpt_10", prompt="x", max_new_tokens=1).json["seed"] for _ in range(3)}) == 3


def test_streaming_gives_the_tokens_one_by_one(stage: Stage, generator: list[GenerateRequest]) -> None:
    checkpointed(stage)
    answer = ask(stage, checkpoint_id="ckpt_10", prompt="x", max_new_tokens=2, seed=0, stream=True)
    assert answer.content_type.startswith("text/event-stream")
    events = [json.loads(part.removeprefix("data: ")) for part in answer.text.strip().split("\n\n")]
    assert events == [
        {"kind": "token", "index": 0, "text": "a", "token": 0, "logprob": -1.5},
        {"kind": "token", "index": 0, "text": "b", "token": 1, "logprob": -1.5},
        {"kind": "end", "index": 0, "text": "", "finish_reason": "length"},
        {"kind": "done"},
    ]


def test_nothing_is_left_in_redis(stage: Stage, generator: list[GenerateRequest], client: redis.Redis) -> None:
    checkpointed(stage)
    ask(stage, checkpoint_id="ckpt_10", prompt="x", max_new_tokens=2)
    assert client.keys("generate:*") == [GENERATOR_ALIVE.encode()]


def test_without_a_generator_the_answer_says_how_to_start_one(stage: Stage) -> None:
    checkpointed(stage)
    answer = ask(stage, checkpoint_id="ckpt_10", prompt="x")
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert "main_generator" in answer.json["remedy"]


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_generator_refuses_is_a_problem(stage: Stage, client: redis.Redis, stream: bool) -> None:
    checkpointed(stage)
    for _ in speaking(client, lambda _: [GenerateReply(kind="error", text="the prompt is too long")]):
        answer = ask(stage, checkpoint_id="ckpt_10", prompt="x", stream=stream)
        assert (answer.status_code, answer.json["code"], answer.json["detail"]) == (400, "generation-failed", "the prompt is too long")


def test_an_error_in_the_middle_ends_the_stream_and_is_told(stage: Stage, client: redis.Redis) -> None:
    checkpointed(stage)

    def breaks_off(request: GenerateRequest) -> list[GenerateReply]:
        return [*letters(request)[:1], GenerateReply(kind="error", text="out of memory")]

    for _ in speaking(client, breaks_off):
        streamed = ask(stage, checkpoint_id="ckpt_10", prompt="x", stream=True).text
        assert streamed.endswith('data: {"kind": "error", "text": "out of memory"}\n\n')
        assert ask(stage, checkpoint_id="ckpt_10", prompt="x").status_code == 400


def test_a_silent_generator_is_not_waited_for_for_ever(client: redis.Redis) -> None:
    client.set(GENERATOR_ALIVE, "1")
    request = GenerateRequest(
        id="gen_1", checkpoint_id="c", files=[], prompts=["x"], max_new_tokens=1, temperature=0, top_k=None, top_p=None, seed=1
    )
    seats = threading.BoundedSemaphore(1)
    with pytest.raises(EnvironmentFault, match="in time"):
        list(replies(client, request, seats, seconds=0.05))
    assert seats.acquire(blocking=False), "its seat is free again"
    assert client.llen(GENERATE_REQUESTS) == 0, "nobody waits for it any more"


def test_a_generator_that_speaks_slowly_is_heard_to_the_end(client: redis.Redis) -> None:
    """The time counts from its last word, so a long text may take as long as it needs."""
    client.set(GENERATOR_ALIVE, "1")
    request = GenerateRequest(
        id="gen_1", checkpoint_id="c", files=[], prompts=["x"], max_new_tokens=4, temperature=0, top_k=None, top_p=None, seed=1
    )
    words = iter(letters(request))

    def say() -> None:
        client.xadd(generate_replies("gen_1"), {"r": pack(next(words).model_dump())})

    incoming = replies(client, request, threading.BoundedSemaphore(1), seconds=1.0)
    say()
    heard = [next(incoming)]
    started = time.monotonic()
    while heard[-1].kind != "done":
        timer = threading.Timer(0.3, say)
        timer.start()
        heard.append(next(incoming))
        timer.join()
    assert time.monotonic() - started > 1.0
    assert [reply.kind for reply in heard] == ["token"] * 4 + ["end", "done"]


def test_a_crowd_at_the_generator_leaves_threads_for_others(stage: Stage, generator: list[GenerateRequest]) -> None:
    checkpointed(stage)
    streams = [
        stage.http.post(
            "/api/v1/generate", json={"checkpoint_id": "ckpt_10", "prompt": "x", "stream": True}, headers=EDITOR, buffered=False
        )
        for _ in range(CONVERSATIONS)
    ]
    assert {stream.status_code for stream in streams} == {200}
    refused = ask(stage, checkpoint_id="ckpt_10", prompt="x")
    assert (refused.status_code, refused.json["code"]) == (503, "busy")
    assert "try again" in refused.json["remedy"]
    streams.pop().close()  # before having read a piece of it
    assert ask(stage, checkpoint_id="ckpt_10", prompt="x", max_new_tokens=1).status_code == 200
    for stream in streams:
        stream.close()
    for _ in range(CONVERSATIONS + 1):
        assert ask(stage, checkpoint_id="ckpt_10", prompt="x", max_new_tokens=1).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": "x"}, "checkpoint_id"),
        ({"prompt": "x", "checkpoint_id": "c", "run_id": "r"}, "checkpoint_id"),
        ({"checkpoint_id": "c"}, "prompt"),
        ({"checkpoint_id": "c", "prompt": "x", "prompts": ["y"]}, "prompt"),
        ({"checkpoint_id": "c", "prompt": ""}, "prompt"),
        ({"checkpoint_id": "c", "prompts": []}, "prompts"),
        ({"checkpoint_id": "c", "prompts": ["x"] * 17}, "prompts"),
        ({"checkpoint_id": "c", "prompt": "x", "max_new_tokens": 0}, "max_new_tokens"),
        ({"checkpoint_id": "c", "prompt": "x", "max_new_tokens": 4097}, "max_new_tokens"),
        ({"checkpoint_id": "c", "prompt": "x", "temperature": -0.1}, "temperature"),
        ({"checkpoint_id": "c", "prompt": "x", "top_k": 0}, "top_k"),
        ({"checkpoint_id": "c", "prompt": "x", "top_p": 0}, "top_p"),
        ({"checkpoint_id": "c", "prompt": "x", "top_p": 1.1}, "top_p"),
        ({"checkpoint_id": "c", "prompt": "x", "seed": -1}, "seed"),
        ({"checkpoint_id": "c", "prompt": "x", "colour": 1}, "colour"),
    ],
)
def test_bad_requests_name_the_field(stage: Stage, body: dict[str, Any], field: str) -> None:
    answer = ask(stage, **body)
    assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (422, [field])


def test_what_does_not_exist_or_is_not_there_yet(stage: Stage) -> None:
    assert ask(stage, checkpoint_id="ckpt_none", prompt="x").status_code == 404
    assert ask(stage, run_id="run_none", prompt="x").status_code == 404
    run, _, _ = stage.running()
    answer = ask(stage, run_id=run["id"], prompt="x")
    assert (answer.status_code, answer.json["code"]) == (409, "conflict")
    assert "no checkpoint yet" in answer.json["detail"]
