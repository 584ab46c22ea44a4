from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from shared.settings import Settings
from tests.servers import S3Endpoint
from tests.trainer.platform import ATTEMPT, FakeStorage, Platform, Start, fake_command, make_claim, platform, processes_of, running


@pytest.fixture
def start(settings: Settings, s3_endpoint: S3Endpoint) -> Iterator[Start]:
    """Starts an agent that is assigned one attempt; its children are fakes in the given mode."""
    with ExitStack() as stack:

        def begin(
            mode: str, *, resume_from: int = 0, storage_down: bool = False, refusals: dict[str, Exception] | None = None, **options: float
        ) -> Platform:
            stage = stack.enter_context(platform(settings, FakeStorage(s3_endpoint), fake_command(mode), **options))
            stage.storage.down = storage_down
            stage.api.refusals.update(refusals or {})
            checkpoints = [stage.storage.add_checkpoint("ckpt_before", resume_from, b"weights")] if resume_from else []
            stage.api.claim_of[ATTEMPT] = make_claim(checkpoints=checkpoints)
            return stack.enter_context(running(stage))

        yield begin
    assert processes_of(ATTEMPT) == []
