from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from services.trainer.data import TokenStream, TrainingBatches, Windows
from services.trainer.plan import Plan
from services.trainer.world import World
from shared.errors import InvalidField
from shared.spec import RunSpec
from tests.trainer.runs import tiny_spec, write_tokens


def stream_of(folder: Path, tokens: int, shards: int = 3) -> TokenStream:
    """Token i has the id i, so that a window says where it is from."""
    return TokenStream(folder, write_tokens(folder, np.arange(tokens), shards))


def order_of(windows: Windows, spec: RunSpec, size: int, steps: range) -> list[list[int]]:
    """The first tokens of all samples, step by step, as a world of `size` reads them."""
    ranks = [TrainingBatches(windows, Plan(spec), World(rank, size)) for rank in range(size)]
    return [[int(inputs[row, 0]) for batches in ranks for inputs, _ in batches(step) for row in range(len(inputs))] for step in steps]


def test_a_read_crosses_shards(tmp_path: Path) -> None:
    stream = stream_of(tmp_path, 100, shards=7)
    assert stream.read(0, 100).tolist() == list(range(100))
    assert stream.read(14, 3).tolist() == [14, 15, 16]
    assert stream.read(99, 1).tolist() == [99]


def test_targets_are_one_token_further(tmp_path: Path) -> None:
    spec = tiny_spec(micro_batch_size=4)
    batches = TrainingBatches(Windows(stream_of(tmp_path, 2000), spec), Plan(spec), World())(3)
    assert [inputs.shape for inputs, _ in batches] == [(4, 16), (4, 16)]
    for inputs, targets in batches:
        assert torch.equal(targets, inputs + 1)


@given(tokens=st.integers(600, 4000), length=st.integers(8, 40), seed=st.integers(0, 2**63 - 1))
@settings(max_examples=25, deadline=None)
def test_every_window_exactly_once_an_epoch(tmp_path_factory: pytest.TempPathFactory, tokens: int, length: int, seed: int) -> None:
    spec = tiny_spec(model={"sequence_length": length}, seed=seed, batch_size=4)
    windows = Windows(stream_of(tmp_path_factory.mktemp("tokens"), tokens), spec)
    for epoch in range(3):
        read = windows.training(epoch * windows.per_epoch, (epoch + 1) * windows.per_epoch)
        starts = np.sort(read[:, 0])
        assert set(np.diff(starts).tolist()) <= {length}
        assert starts[0] < length
        assert read.max() < windows.training_tokens


def test_epochs_differ_in_order_and_offset(tmp_path: Path) -> None:
    windows = Windows(stream_of(tmp_path, 2000), tiny_spec())
    epochs = [windows.training(epoch * windows.per_epoch, (epoch + 1) * windows.per_epoch)[:, 0] for epoch in range(8)]
    assert len({tuple(np.argsort(starts).tolist()) for starts in epochs}) == 8
    assert len({int(starts.min()) for starts in epochs}) > 1


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("micro_batch_size", [1, 2])
def test_the_order_does_not_depend_on_the_world(tmp_path: Path, size: int, micro_batch_size: int) -> None:
    """Over more than one epoch, so that batches across its end are among them."""
    windows = Windows(stream_of(tmp_path, 1000), alone := tiny_spec())
    spec = tiny_spec(processes=size, micro_batch_size=micro_batch_size)
    steps = range(1, 2 * windows.per_epoch // 8 + 2)
    assert order_of(windows, spec, size, steps) == order_of(windows, alone, 1, steps)


@given(first=st.integers(1, 10**6))
@settings(max_examples=20, deadline=None)
def test_the_order_does_not_depend_on_the_steps_before(tmp_path_factory: pytest.TempPathFactory, first: int) -> None:
    stream = stream_of(tmp_path_factory.mktemp("tokens"), 1000)
    spec = tiny_spec()
    passed_by = Windows(stream, spec)
    order_of(passed_by, spec, 1, range(max(1, first - 2), first))
    assert order_of(passed_by, spec, 1, range(first, first + 3)) == order_of(Windows(stream, spec), spec, 1, range(first, first + 3))


def test_validation_is_the_rest_in_order(tmp_path: Path) -> None:
    windows = Windows(stream_of(tmp_path, 1000), tiny_spec())
    held_out = windows.held_out(0, windows.validation)
    assert held_out[0, 0] == windows.training_tokens == 900
    assert np.diff(held_out[:, 0]).tolist() == [16] * (windows.validation - 1)
    assert held_out.max() < 1000
    assert windows.validation == 6


@pytest.mark.parametrize("tokens", [8, 160, 1])
def test_too_little_text_is_refused(tmp_path: Path, tokens: int) -> None:
    with pytest.raises(InvalidField, match=f"has {tokens} tokens, too few for one batch of 8 windows of 16 tokens"):
        Windows(stream_of(tmp_path, tokens, shards=1), tiny_spec())


def test_a_short_shard_is_refused(tmp_path: Path) -> None:
    files = write_tokens(tmp_path, np.arange(100), 2)
    (tmp_path / files.files[1]).write_bytes(b"\0\0")
    with pytest.raises(InvalidField, match="hold 51 tokens, 100 were promised"):
        TokenStream(tmp_path, files)
