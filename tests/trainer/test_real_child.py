"""The agent with the real torchrun and training child, and the generator with what they made."""

import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from services.trainer.checkpoint import load_model
from services.trainer.children import torchrun
from services.trainer.generator import Generator
from services.trainer.loaded import END_OF_TEXT, Models
from services.trainer.sampling import generate
from services.trainer.transfers import Transfers
from shared.conversation import CheckpointRef
from shared.events import pack, unpack
from shared.generation import GenerateReply, GenerateRequest
from shared.internal import TokenShards
from shared.names import generate_replies
from shared.settings import Settings
from shared.training_events import ProcessDied, StepCompleted
from tests.servers import S3Endpoint, wait_until
from tests.trainer.platform import ATTEMPT, FakeStorage, Platform, make_claim, platform, running
from tests.trainer.test_generator import byte_tokenizer

TRAIN = {
    "steps": 100,
    "batch_size": 4,
    "schedule": {"warmup_steps": 1},
    "checkpoint": {"every": 10},
    "evaluate": {"every": 100, "batches": 1},
}
SPEC = {
    "name": "tiny",
    "dataset": "words",
    "model": {"n_layer": 1, "n_head": 2, "n_embd": 16, "sequence_length": 16},
    "train": TRAIN,
    "compute": {"processes_per_node": 2},
}


class WordStorage(FakeStorage):
    def token_shards(self, prepared_id: str) -> TokenShards:
        tokenizer = byte_tokenizer(END_OF_TEXT)
        tokens = np.array(tokenizer.encode("the quick brown fox " * 500).ids, dtype="<u2")
        size = tokenizer.get_vocab_size()
        return TokenShards(
            dtype="uint16",
            tokens=len(tokens),
            vocab_size=size,
            end_of_text=0,
            token_bytes=[0] + [1] * (size - 1),
            shards=[self.place("shard-0", tokens.tobytes())],
            tokenizer=self.place("tokenizer.json", tokenizer.to_str().encode()),
        )


@pytest.mark.timeout(300)
def test_killed_once_it_goes_on_from_its_checkpoint_and_speaks(settings: Settings, s3_endpoint: S3Endpoint) -> None:
    with platform(settings, WordStorage(s3_endpoint), partial(torchrun, sys.executable)) as stage, running(stage):
        stage.api.claim_of[ATTEMPT] = make_claim(ATTEMPT, spec=SPEC)
        wait_until(lambda: len(stage.api.commits) >= 2, "two checkpoints", 120)
        pids = stage.host.attempts_folder / ATTEMPT / "pids"
        psutil.Process(int((pids / "rank1").read_text())).kill()
        wait_until(lambda: stage.final() is not None, "the end of the first attempt", 20)
        assert "rank 1 was killed by signal 9" in str(stage.final())
        resume(stage)
        wait_until(lambda: stage.final() is not None, "the end of the second attempt", 120)
        assert str(stage.final() and stage.final().state) == "succeeded"  # type: ignore[union-attr]
        check_history(stage)
        assert speak(stage, settings.data_dir / "cache") == speak(stage, settings.data_dir / "cache") != ""


def resume(stage: Platform) -> None:
    """What the scheduler does: a new attempt with the next fence, from the newest checkpoint."""
    wait_until(lambda: not stage.agent.attempts, "the first attempt is over")
    stage.api.states.clear()
    second = f"{ATTEMPT}x2"
    stage.api.claim_of = {second: make_claim(second, spec=SPEC, attempt=2, fence=8, checkpoints=[newest(stage)])}


def newest(stage: Platform) -> CheckpointRef:
    commit = stage.api.commits[-1]
    return CheckpointRef(id=commit.checkpoint_id, run_id="run_a", step=commit.step, files=commit.files)


def check_history(stage: Platform) -> None:
    records = stage.records()
    last = [record.event.step for record in records if record.attempt == 2 and isinstance(record.event, StepCompleted)]
    resumed = next(commit.step for commit in reversed(stage.api.commits) if commit.fence == 7)
    assert last[0] == resumed + 1
    assert last[-1] == 100
    assert [type(record.event) for record in records].count(ProcessDied) == 1


def speak(stage: Platform, cache: Path) -> str:
    stopping = threading.Event()
    generator = Generator(stage.client, Models(cache, Transfers(stage.host.http, stopping), load_model), generate, stopping)
    checkpoint = newest(stage)
    facts = {"id": "gen_1", "checkpoint_id": checkpoint.id, "files": stage.storage.presign_checkpoint(checkpoint), "prompts": ["the "]}
    request = GenerateRequest.model_validate({**facts, "max_new_tokens": 20, "temperature": 0.8, "top_k": None, "top_p": 0.9, "seed": 3})
    stage.client.delete(generate_replies("gen_1"))
    generator.answer(pack(request.model_dump()))
    entries: Any = stage.client.xrange(generate_replies("gen_1"))
    replies = [GenerateReply.model_validate(unpack(fields[b"r"])) for _, fields in entries]
    assert replies[-1].kind == "done", replies[-1]
    return "".join(reply.text for reply in replies)
