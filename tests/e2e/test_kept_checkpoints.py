"""Checkpoints after their run: estimated rightly, exported through the gateway, loaded as the card says, named, deleted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from groundup import Client, ClientError
from groundup.generation import Sampling
from groundup.runs import Run

from tests.e2e.runs import spec
from tests.e2e.stack import Stack
from tests.servers import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(stack: Stack, dataset: str, tokenizer: str) -> Run:
    with stack.client() as client:
        # Its rules keep all four: what a backlog has made superfluous is never carried.
        plan = spec("kept", dataset, tokenizer, steps=40, checkpoint={"every": 10, "keep_last": 4, "keep_best": 1, "keep_every": 20})
        done = client.runs.wait(client.runs.submit(plan).id, timeout=180)
        assert done.succeeded, done
        return done


@pytest.mark.timeout(300)
def test_a_checkpoint_is_as_large_as_was_estimated(client: Client, run: Run) -> None:
    told = client.runs.validate(run.spec)
    newest = client.checkpoints.newest(run.id)
    assert told.estimate
    assert newest
    assert newest.bytes == pytest.approx(told.estimate["checkpoint_bytes"], rel=0.02)


def test_why_each_is_kept_is_told(client: Client, run: Run) -> None:
    kept = {each.step: each for each in client.checkpoints.list(run.id)}
    assert kept[40].kept_because[0] == "newest"
    assert "every 20 steps" in kept[20].kept_because
    assert all(each.state == "committed" and each.run_name == "kept" for each in kept.values())
    usage = client.checkpoints.usage()
    assert usage.disk_free_bytes
    assert usage.bytes >= sum(each.bytes for each in kept.values())


def test_an_export_loads_as_its_card_says(client: Client, run: Run, tmp_path: Path) -> None:
    newest = client.checkpoints.newest(run.id)
    assert newest
    folder = client.checkpoints.export(newest.id, tmp_path)
    assert folder.name == "kept-step-40"
    program = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)[0]
    program += "\nprint(sum(weight.numel() for weight in model.parameters()))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    estimate = client.runs.validate(run.spec).estimate
    assert estimate
    assert int(done.stdout) == estimate["parameters"]


def test_a_flipped_byte_ends_an_export_badly(stack: Stack, client: Client, run: Run, tmp_path: Path) -> None:
    newest = client.checkpoints.newest(run.id)
    assert newest
    (stored,) = (stack.data_dir / "s3").glob(f"*/checkpoints/*/{newest.id}/model*.safetensors")
    right = stored.read_bytes()
    stored.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    try:
        with pytest.raises(ClientError):
            client.checkpoints.export(newest.id, tmp_path)
        assert list(tmp_path.iterdir()) == []
    finally:
        stored.write_bytes(right)


def test_an_alias_generates_and_keeps(client: Client, run: Run) -> None:
    first = min(client.checkpoints.list(run.id), key=lambda each: each.step)
    client.checkpoints.change(first.id, aliases=["production"])
    answer = client.generator.generate("default/production", ["import "], Sampling(max_new_tokens=4, seed=1))
    assert answer.checkpoint_id == first.id
    assert [refusal.reasons for refusal in client.checkpoints.delete([first.id]).refused] == [["alias production"]]


def test_what_is_deleted_is_gone_with_its_objects(stack: Stack, client: Client, run: Run) -> None:
    doomed = next(each for each in client.checkpoints.list(run.id) if each.step == 30)
    assert client.checkpoints.delete([doomed.id], dry_run=True).bytes == doomed.bytes
    assert client.checkpoints.delete([doomed.id]).deleted == [doomed.id]
    wait_until(lambda: doomed.id not in {each.id for each in client.checkpoints.list(run.id)}, "its row is gone", 30)
    assert not list((stack.data_dir / "s3").glob(f"*/checkpoints/*/{doomed.id}/*"))
