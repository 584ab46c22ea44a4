import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from services.trainer.decoding import TextStream
from services.trainer.generator import Generator
from services.trainer.loaded import END_OF_TEXT, Models
from services.trainer.transfers import Transfers, store_client
from shared import bus
from shared.events import pack, unpack
from shared.generation import GenerateReply, GenerateRequest
from shared.internal import Located
from shared.names import GENERATE_REQUESTS, GENERATOR_ALIVE, generate_replies
from tests.servers import S3Endpoint, wait_until
from tests.trainer.platform import FakeStorage

TEXT = "naïve 🦜 and 漢字"


def byte_tokenizer(*special: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator([], trainers.BpeTrainer(initial_alphabet=alphabet, special_tokens=list(special), show_progress=False))
    return tokenizer


class Parrot:
    """A model that says what is in its file, token by token; with a temperature it begins at random."""

    def __init__(self) -> None:
        self.loads: list[str] = []

    def load(self, folder: Path) -> tuple[Any, Any]:
        self.loads.append(folder.name)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        return tokenizer.encode((folder / "model.safetensors").read_text()).ids, None

    def sample(self, model: Any, prompt: Sequence[int], *, rng: torch.Generator, **options: Any) -> Iterator[tuple[int, float]]:
        assert prompt
        start = int(torch.randint(len(model), (), generator=rng)) if options["temperature"] else 0
        for token in model[start:][: options["max_new_tokens"]]:
            if token == options["stop_token"]:
                return
            yield token, -1.0


class Bench:
    def __init__(self, client: redis.Redis, storage: FakeStorage, generator: Generator, parrot: Parrot) -> None:
        self.client, self.storage, self.generator, self.parrot = client, storage, generator, parrot

    def files(self, says: str = TEXT, *special: str) -> list[Located]:
        tokenizer = byte_tokenizer(*special).to_str().encode()
        return [self.storage.place("model.safetensors", says.encode()), self.storage.place("tokenizer.json", tokenizer)]

    def ask(self, files: list[Located], prompts: Sequence[str] = ("x",), **changes: Any) -> list[GenerateReply]:
        facts = {"id": "gen_1", "checkpoint_id": "ckpt_1", "files": files, "prompts": list(prompts), "max_new_tokens": 1000}
        request = GenerateRequest.model_validate({**facts, "temperature": 0.0, "top_k": None, "top_p": None, "seed": 1, **changes})
        self.client.delete(generate_replies("gen_1"))
        self.generator.answer(pack(request.model_dump()))
        entries: Any = self.client.xrange(generate_replies("gen_1"))
        return [GenerateReply.model_validate(unpack(fields[b"r"])) for _, fields in entries]


@pytest.fixture
def bench(redis_url: str, s3_endpoint: S3Endpoint, tmp_path: Path) -> Iterator[Bench]:
    storage, parrot, stopping = FakeStorage(s3_endpoint), Parrot(), threading.Event()
    with bus.connect(redis_url, blocking_seconds=1) as client, store_client() as http:
        generator = Generator(client, Models(tmp_path / "cache", Transfers(http, stopping), parrot.load), parrot.sample, stopping)
        yield Bench(client, storage, generator, parrot)
    storage.s3.close()


def text(replies: list[GenerateReply], index: int = 0) -> str:
    return "".join(reply.text for reply in replies if reply.kind == "token" and reply.index == index)


def test_tokens_then_end_then_done(bench: Bench) -> None:
    replies = bench.ask(bench.files())
    assert [reply.kind for reply in replies] == ["token"] * len(TEXT.encode()) + ["end", "done"]
    assert text(replies) == TEXT
    assert all("\ufffd" not in reply.text for reply in replies)
    assert replies[0].logprob == -1.0
    assert 0 < int(str(bench.client.ttl(generate_replies("gen_1")))) <= 600


@pytest.mark.parametrize("count", range(1, len(TEXT.encode())))
def test_the_pieces_are_the_decoding_of_all_tokens_wherever_it_is_cut(count: int) -> None:
    tokenizer = byte_tokenizer()
    tokens = tokenizer.encode(TEXT).ids[:count]
    stream = TextStream(tokenizer)
    pieces = [stream.push(token) for token in tokens]
    assert all("\ufffd" not in piece for piece in pieces)
    assert "".join(pieces) + stream.rest() == tokenizer.decode(tokens)


def test_a_length_that_ends_within_a_character_shows_what_there_is(bench: Bench) -> None:
    replies = bench.ask(bench.files("ab🦜"), max_new_tokens=4)
    assert text(replies) == "ab\ufffd"
    assert [reply.kind for reply in replies] == ["token"] * 4 + ["end", "done"]
    assert replies[-2].finish_reason == "length"


def test_it_ends_before_the_end_of_text(bench: Bench) -> None:
    replies = bench.ask(bench.files(f"one{END_OF_TEXT}two", END_OF_TEXT))
    assert text(replies) == "one"
    assert replies[-2].finish_reason == "end_of_text"


def test_prompts_differ_by_seed_and_the_same_seed_says_the_same(bench: Bench) -> None:
    files = bench.files("abcdefghijklmnopqrstuvwxyz")
    first = bench.ask(files, ["x", "y", "z"], temperature=1.0, seed=5)
    assert len({text(first, index) for index in range(3)}) > 1
    assert bench.ask(files, ["x", "y", "z"], temperature=1.0, seed=5) == first
    assert text(bench.ask(files, ["y"], temperature=1.0, seed=6)) == text(first, 1)  # prompt i takes seed + i
    assert bench.ask(files, temperature=1.0, seed=None)[-1].kind == "done"


def test_an_empty_prompt_needs_an_end_of_text_token(bench: Bench) -> None:
    assert bench.ask(bench.files(TEXT, END_OF_TEXT), [""])[-1].kind == "done"
    refused = bench.ask(bench.files(), [""], checkpoint_id="ckpt_2")
    assert [reply.kind for reply in refused] == ["error"]
    assert "prompt" in refused[0].text


def test_damaged_files_are_an_error_and_not_the_end(bench: Bench) -> None:
    broken = [bench.storage.place("model.safetensors", b"wrong", told=b"right")]
    refused = bench.ask(broken)
    assert [reply.kind for reply in refused] == ["error"]
    assert "SHA-256" in refused[0].text
    assert text(bench.ask(bench.files())) == TEXT


def test_a_path_for_an_id_is_refused(bench: Bench, tmp_path: Path) -> None:
    assert [reply.kind for reply in bench.ask(bench.files(), checkpoint_id="../../escape")] == ["error"]
    assert not list(tmp_path.rglob("escape"))


def test_the_last_two_models_stay_in_memory(bench: Bench) -> None:
    files = bench.files()
    for checkpoint_id in ("a", "b", "a", "c", "a", "b"):
        bench.ask(files, checkpoint_id=checkpoint_id)
    assert bench.parrot.loads == ["a", "b", "c", "b"]


def test_a_generation_that_nobody_reads_any_more_ends(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    said: list[int] = []

    def sample(model: Any, prompt: Sequence[int], **options: Any) -> Iterator[tuple[int, float]]:
        for number in range(1000):
            said.append(number)
            if number == 3:
                bench.client.delete(generate_replies("gen_1"))  # what api does when its client leaves
            yield 70, -1.0

    bench.generator.sample = sample
    assert bench.ask(bench.files(), ["x", "y"]) == []
    assert said == [0, 1, 2, 3]
    assert not bench.client.exists(generate_replies("gen_1"))
    assert [record.levelname for record in caplog.records if "failed" in record.message] == []


def test_the_process_serves_and_survives_nonsense(bench: Bench) -> None:
    generator = bench.generator
    threads = [threading.Thread(target=generator.run), threading.Thread(target=generator.keep_alive)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: bool(bench.client.exists(GENERATOR_ALIVE)), "it says that it is alive")
        facts = {"id": "gen_2", "checkpoint_id": "ckpt_1", "files": bench.files(), "prompts": ["x"], "max_new_tokens": 5, "seed": 1}
        request = GenerateRequest.model_validate({**facts, "temperature": 0.0, "top_k": None, "top_p": None})
        bench.client.rpush(GENERATE_REQUESTS, b"nonsense", pack({"id": 1}), pack(request.model_dump()))
        wait_until(lambda: bench.client.xlen(generate_replies("gen_2")) == 7, "the answer to the request behind the nonsense")
    finally:
        generator.stopping.set()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
