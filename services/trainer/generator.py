"""Answers generation requests: takes them from a Redis list, gives tokens into a Redis stream each."""

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any, Final, Protocol, cast

import redis
import torch
from pydantic import ValidationError
from tokenizers import Tokenizer

from services.trainer.decoding import TextStream
from services.trainer.loaded import Loaded, Models
from services.trainer.transfers import Halted
from shared.errors import GroundupError, UserError
from shared.events import pack, unpack
from shared.generation import GenerateReply, GenerateRequest
from shared.names import GENERATE_REQUESTS, GENERATOR_ALIVE, generate_replies

log = logging.getLogger(__name__)
SLICE_SECONDS: Final = 1
ALIVE_SECONDS: Final = 15
KEEP_SECONDS: Final = 600
PAUSE_SECONDS: Final = 1.0


class Sample(Protocol):
    def __call__(
        self,
        model: Any,
        prompt: Sequence[int],
        *,
        max_new_tokens: int,
        temperature: float,
        top_k: int | None,
        top_p: float | None,
        rng: torch.Generator,
        stop_token: int | None,
    ) -> Iterator[tuple[int, float]]: ...


class Abandoned(Exception):
    """Nobody reads the replies any more: api has deleted their stream."""


class Generator:
    """`client` must allow blocking reads of a few seconds. `stopping` ends `run`, also between two tokens."""

    def __init__(self, client: redis.Redis, models: Models, sample: Sample, stopping: Event) -> None:
        self.client, self.models, self.sample, self.stopping = client, models, sample, stopping

    def run(self) -> None:
        down = False
        while not self.stopping.is_set():
            try:
                taken = self.client.blpop([GENERATE_REQUESTS], timeout=SLICE_SECONDS)
                if down:
                    log.info("Redis answers again")
                down = False
                if taken:
                    self.answer(cast(bytes, taken[1]))
            except redis.RedisError as error:
                if not down:
                    log.warning("Redis does not answer (%s)", error)
                down = True
                self.stopping.wait(PAUSE_SECONDS)

    def keep_alive(self) -> None:
        """In a thread of its own: says that requests are served, also during a long one."""
        while not self.stopping.is_set():
            try:
                self.client.set(GENERATOR_ALIVE, "1", ex=ALIVE_SECONDS)
            except redis.RedisError as error:
                log.debug("not told that the generator is alive: %s", error)
            self.stopping.wait(ALIVE_SECONDS / 3)

    def answer(self, message: bytes) -> None:
        """One request, to its end or an error reply. Raises only redis.RedisError."""
        try:
            request = GenerateRequest.model_validate(unpack(message))
        except (ValueError, ValidationError) as error:
            log.error("a message that is no request is dropped: %s", error)
            return
        try:
            self._answer(request, Replies(self.client, request.id))
        except Abandoned:
            log.info("request %s is abandoned: nobody reads its replies", request.id)

    def _answer(self, request: GenerateRequest, replies: "Replies") -> None:
        try:
            self._generate(request, replies)
            replies.add(GenerateReply(kind="done"))
        except (redis.RedisError, Abandoned):
            raise
        except Exception as error:
            log.log(logging.INFO if isinstance(error, UserError) else logging.ERROR, "request %s failed", request.id, exc_info=error)
            replies.add(GenerateReply(kind="error", text=sentence(error)))

    def _generate(self, request: GenerateRequest, replies: "Replies") -> None:
        loaded = self.models.get(request.checkpoint_id, request.files)
        seed = random.getrandbits(62) if request.seed is None else request.seed
        for index, prompt in enumerate(request.prompts):
            rng = torch.Generator().manual_seed((seed + index) % 2**63)
            tokens = self.sample(
                loaded.model,
                loaded.encode(prompt),
                max_new_tokens=request.max_new_tokens,
                temperature=request.temperature,
                top_k=request.top_k,
                top_p=request.top_p,
                rng=rng,
                stop_token=loaded.stop_token,
            )
            self._stream(index, loaded.tokenizer, self._until_stopped(tokens, loaded), replies.add)
            # a stream that ended early ended with the stop token
            full = replies.tokens == request.max_new_tokens
            replies.add(GenerateReply(kind="end", index=index, finish_reason="length" if full else "end_of_text"))

    def _until_stopped(self, tokens: Iterator[tuple[int, float]], loaded: Loaded) -> Iterator[tuple[int, float]]:
        for token, logprob in tokens:
            if self.stopping.is_set():
                raise Halted("the generator is being stopped; ask again in a moment")
            if token == loaded.stop_token:
                return
            yield token, logprob

    def _stream(self, index: int, tokenizer: Tokenizer, tokens: Iterator[tuple[int, float]], add: Callable[[GenerateReply], None]) -> None:
        """A token that ends within a character waits for the next one, because it may be the last and then brings the rest."""
        text, waiting = TextStream(tokenizer), None
        for token, logprob in tokens:
            if waiting:
                add(waiting)
            reply = GenerateReply(kind="token", index=index, text=text.push(token), token=token, logprob=logprob)
            waiting = reply if text.held() else None
            if not waiting:
                add(reply)
        if waiting:
            add(waiting.model_copy(update={"text": waiting.text + text.rest()}))


class Replies:
    """The reply stream of one request; it forgets itself ten minutes after the last reply. Who asked deletes it when leaving."""

    def __init__(self, client: redis.Redis, request_id: str) -> None:
        self.client, self.key = client, generate_replies(request_id)
        self.tokens = 0  # of the present prompt
        self.begun = False

    def add(self, reply: GenerateReply) -> None:
        """Raises Abandoned where the stream that the first reply made is gone."""
        self.tokens = self.tokens + 1 if reply.kind == "token" else self.tokens
        pipeline = self.client.pipeline(transaction=True)
        pipeline.xadd(self.key, {"r": pack(reply.model_dump())}, nomkstream=self.begun)
        pipeline.expire(self.key, KEEP_SECONDS)
        if pipeline.execute()[0] is None:
            raise Abandoned
        self.begun = True
        if reply.kind == "end":
            self.tokens = 0


def sentence(error: Exception) -> str:
    """An error as a person at a browser should read it."""
    if isinstance(error, GroundupError):
        return f"{error.detail} ({error.remedy})" if error.remedy else error.detail
    return f"the model could not answer: {error or type(error).__name__}"


def cache_folder(data_dir: Path) -> Path:
    return data_dir / "generator" / "cache"
