from collections.abc import Iterator

import pytest
import torch

from services.trainer.model import GPT, Cache, rotate, rotations
from shared.spec import ModelSpec

V = 50


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def trained_looking(**fields: object) -> GPT:
    """With weights everywhere: as made, all residual branches are zero and much would be trivially right."""
    torch.manual_seed(1)
    model = GPT(ModelSpec.model_validate({"n_layer": 3, "n_head": 4, "n_embd": 32, "sequence_length": 24, **fields}), V)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model.eval()


def some_tokens(B: int = 2, T: int = 24) -> torch.Tensor:  # noqa: N803  (shapes keep their letters)
    return torch.randint(V, (B, T), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("tied_head", [True, False])
def test_shape_and_parameters(tied_head: bool) -> None:
    model = trained_looking(tied_head=tied_head)
    assert model(some_tokens()).shape == (2, 24, V)
    per_layer = 32 * 3 * 32 + 32 * 32 + 2 * 32 * 4 * 32
    assert model.parameter_count() == 3 * per_layer + V * 32 * (1 if tied_head else 2)


def test_a_token_sees_none_after_it() -> None:
    model, tokens = trained_looking(), some_tokens()
    changed = tokens.clone()
    changed[:, 10] = (changed[:, 10] + 1) % V
    before, after = model(tokens), model(changed)
    assert torch.equal(before[:, :10], after[:, :10])
    assert not torch.allclose(before[:, 10:], after[:, 10:])


def test_only_distances_matter() -> None:
    """What a query and a key say to each other stays the same when both move along, and only then."""
    turn = torch.view_as_complex(rotations(24, 8)[:, None])  # (T, 1, D/2)
    query, key = torch.randn(2, 1, 1, 1, 8, generator=torch.Generator().manual_seed(3))

    def said(at: int, distance: int) -> float:
        return (rotate(query, turn[at + distance : at + distance + 1]) * rotate(key, turn[at : at + 1])).sum().item()

    assert said(at=3, distance=4) == pytest.approx(said(at=17, distance=4), abs=1e-5)
    assert said(at=3, distance=4) != pytest.approx(said(at=3, distance=5), abs=1e-3)


@pytest.mark.parametrize("tied_head", [True, False])
@pytest.mark.parametrize("pieces", [[1] * 24, [24], [10, 1, 1, 5, 7], [23, 1]])
def test_with_the_cache_as_without(tied_head: bool, pieces: list[int]) -> None:
    model, tokens = trained_looking(tied_head=tied_head), some_tokens()
    cache = Cache(model, batch=2)
    parts = [model(piece, cache) for piece in torch.split(tokens, pieces, dim=1)]
    assert torch.allclose(torch.cat(parts, dim=1), model(tokens), atol=1e-4)


def test_what_does_not_fit_is_refused() -> None:
    model = trained_looking()
    with pytest.raises(ValueError, match="0 tokens and 25 more do not fit into a sequence of 24"):
        model(some_tokens(T=25))
    cache = Cache(model, batch=2)
    model(some_tokens(T=20), cache)
    with pytest.raises(ValueError, match="20 tokens and 5 more"):
        model(some_tokens(T=5), cache)


def test_an_untrained_model_predicts_nothing() -> None:
    """Untied, all logits are zero; tied, they are small. Either way the loss starts at about ln V."""
    for tied_head in (True, False):
        torch.manual_seed(0)
        model = GPT(ModelSpec(tied_head=tied_head), 1000).eval()
        tokens = torch.randint(1000, (4, 64))
        logits = model(tokens)
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
        assert abs(loss.item() - 6.9078) < (0.05 if tied_head else 1e-4)


def test_dropout_drops_in_training_only() -> None:
    model, tokens = trained_looking(dropout=0.5), some_tokens()
    assert torch.equal(model(tokens), model(tokens))
    model.train()
    assert not torch.equal(model(tokens), model(tokens))
    torch.manual_seed(3)
    once = model(tokens)
    torch.manual_seed(3)
    assert torch.equal(once, model(tokens))


def test_bfloat16_stays_near() -> None:
    model, tokens = trained_looking(), some_tokens()
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(tokens)
    exact = model(tokens)
    assert (rough - exact).abs().mean() < 0.05 * exact.abs().mean()
