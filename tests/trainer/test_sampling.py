import itertools

import pytest
import torch

from services.trainer.model import GPT
from services.trainer.sampling import choose, generate
from tests.trainer.test_model import V, trained_looking

PROMPT = [3, 14, 15, 9, 26]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def reference(model: GPT, prompt: list[int], count: int) -> list[int]:
    """Greedy, without a cache, with the same rule for a full context."""
    length, context, out = model.spec.sequence_length, prompt[-model.spec.sequence_length :], []
    for _ in range(count):
        if len(context) > length:
            context = context[-(length // 2) :]
        out.append(int(model(torch.tensor([context]))[0, -1].argmax()))
        context = [*context, out[-1]]
    return out


@pytest.mark.parametrize("prompt", [PROMPT, list(range(24)), list(range(40))])
def test_greedy_is_the_argmax_also_where_the_context_slides(prompt: list[int]) -> None:
    model = trained_looking()
    tokens = [token for token, _ in generate(model, prompt, max_new_tokens=60, temperature=0)]
    assert tokens == reference(model, prompt, 60)


def test_the_same_seed_gives_the_same_tokens() -> None:
    model = trained_looking()
    first, again, other = (list(generate(model, PROMPT, max_new_tokens=40, top_p=0.9, rng=rng(seed))) for seed in (1, 1, 2))
    assert first == again != other


def test_logprobs_are_the_models_own() -> None:
    model = trained_looking()
    generated = list(generate(model, PROMPT, max_new_tokens=10, temperature=0.5, top_k=5, rng=rng()))
    tokens = PROMPT + [token for token, _ in generated]
    logprobs = model(torch.tensor([tokens])).log_softmax(-1)[0]
    expected = [logprobs[place, tokens[place + 1]].item() for place in range(len(PROMPT) - 1, len(tokens) - 1)]
    assert [logprob for _, logprob in generated] == pytest.approx(expected, abs=1e-4)


def test_it_ends_before_the_stop_token() -> None:
    model = trained_looking()
    tokens = [token for token, _ in generate(model, PROMPT, max_new_tokens=30, temperature=0)]
    stop = tokens[5]
    stopped = [token for token, _ in generate(model, PROMPT, max_new_tokens=30, temperature=0, stop_token=stop)]
    assert stopped == list(itertools.takewhile(lambda token: token != stop, tokens))


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(ValueError, match="no tokens"):
        next(generate(trained_looking(), [], max_new_tokens=1))


def drawn(logits: list[float], **filters: float | None) -> dict[int, float]:
    """Shares of 2,000 draws."""
    settings = {"temperature": 1.0, "top_k": None, "top_p": None, **filters}
    source = rng()
    draws = [
        choose(torch.tensor(logits), settings["temperature"], settings["top_k"], settings["top_p"], source)  # type: ignore[arg-type]
        for _ in range(2000)
    ]
    return {token: draws.count(token) / 2000 for token in set(draws)}


def test_the_filters() -> None:
    logits = torch.tensor([0.1, 0.5, 0.25, 0.15]).log().tolist()
    assert drawn(logits) == pytest.approx({0: 0.1, 1: 0.5, 2: 0.25, 3: 0.15}, abs=0.04)
    assert drawn(logits, top_k=2) == pytest.approx({1: 2 / 3, 2: 1 / 3}, abs=0.04)
    assert drawn(logits, top_p=0.76) == pytest.approx({1: 0.5 / 0.9, 2: 0.25 / 0.9, 3: 0.15 / 0.9}, abs=0.04)
    assert set(drawn(logits, top_p=0.4)) == {1}
    assert set(drawn(logits, top_p=0.0001)) == {1}
    assert set(drawn(logits, top_k=100)) == {0, 1, 2, 3}
    assert drawn(logits, temperature=0) == {1: 1.0}
    assert drawn(logits, temperature=0.25)[1] > 0.9


def test_many_tokens_of_the_vocabulary_come_up() -> None:
    tokens = {token for token, _ in generate(trained_looking(), PROMPT, max_new_tokens=300, temperature=3.0, rng=rng())}
    assert len(tokens) > V / 2
