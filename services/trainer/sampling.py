"""Text from a model, one token at a time."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from services.trainer.model import GPT, Cache


@torch.inference_mode()
def generate(
    model: GPT,
    prompt: Sequence[int],
    *,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    rng: torch.Generator | None = None,
    stop_token: int | None = None,
) -> Iterator[tuple[int, float]]:
    """Each new token and its log-probability under the model itself (before temperature, top-k and top-p).

    Ends before `stop_token` or after `max_new_tokens`. Temperature 0 takes the likeliest token. The same prompt and the same state of
    `rng` give the same tokens. When the context is full its older half is forgotten and the rest is read again, so that the cost of
    sliding is shared by half a context of tokens. The model should be in evaluation mode. Raises ValueError for an empty prompt.
    """
    if not prompt:
        raise ValueError("the prompt has no tokens; begin with the end-of-text token to start from nothing")
    length = model.spec.sequence_length
    context, cache = list(prompt[-length:]), Cache(model)
    fresh = context
    for _ in range(max_new_tokens):
        if len(context) > length:
            context, cache = context[-(length // 2) :], Cache(model)
            fresh = context
        logits = model(torch.tensor([fresh], device=model.embed.weight.device), cache)[0, -1].float()  # (V,)
        token = choose(logits, temperature, top_k, top_p, rng)
        if token == stop_token:
            return
        yield token, float(logits.log_softmax(-1)[token])
        context.append(token)
        fresh = [token]


def choose(logits: Tensor, temperature: float, top_k: int | None, top_p: float | None, rng: torch.Generator | None) -> int:
    """One token by the filtered distribution. The draw is on the host, so that a seed means the same on every device."""
    if temperature == 0:
        return int(logits.argmax())
    probabilities, tokens = (logits.cpu() / temperature).softmax(-1).sort(descending=True, stable=True)
    if top_k is not None:
        probabilities = probabilities[:top_k]
    if top_p is not None:  # the fewest tokens that reach top_p: those before which less than top_p is covered
        probabilities = probabilities / probabilities.sum()
        probabilities = probabilities[(probabilities.cumsum(-1) - probabilities) < top_p]
    return int(tokens[torch.multinomial(probabilities, 1, generator=rng)])
