"""What a run will cost, told before it is queued.

V tokens in the vocabulary, L layers, H heads of Q channels, C = H * Q, T tokens a sequence.
"""

from typing import Final

from pydantic import BaseModel

from shared.internal import TokenizerRef
from shared.spec import ModelSpec, RunSpec

FLOAT_BYTES: Final = 4
TENSOR_BYTES: Final = 100
RNG_BYTES: Final = 15_200
JSON_BYTES: Final = 2_500


class Estimate(BaseModel):
    """`flops`: of all steps. `memory_bytes_per_device` is rough. None: not known."""

    parameters: int
    tokens: int
    flops: float
    memory_bytes_per_device: int
    duration_seconds: float | None
    checkpoint_bytes: int
    cost_usd: float | None


def estimate(spec: RunSpec, tokenizer: TokenizerRef) -> Estimate:
    vocab_size = tokenizer.vocab_size
    parameters = parameter_count(spec.model, vocab_size)
    tokens = spec.train.steps * spec.train.batch_size * spec.model.sequence_length
    return Estimate(
        parameters=parameters,
        tokens=tokens,
        flops=float(tokens) * flops_per_token(spec.model, parameters),
        memory_bytes_per_device=memory_bytes(spec, parameters, vocab_size),
        duration_seconds=None,
        checkpoint_bytes=checkpoint_bytes(spec, tokenizer),
        cost_usd=None,
    )


def checkpoint_bytes(spec: RunSpec, tokenizer: TokenizerRef) -> int:
    """Weights and AdamW's two moments; each tensor's line in a safetensors header (a weight has four tensors, with its step counter);
    each rank's three Mersenne twisters; the tokenizer; state and manifest as JSON."""
    tensors = 4 * (4 * spec.model.n_layer + (1 if spec.model.tied_head else 2))
    values = 3 * FLOAT_BYTES * parameter_count(spec.model, tokenizer.vocab_size)
    return values + TENSOR_BYTES * tensors + RNG_BYTES * spec.compute.world_size + tokenizer.bytes + JSON_BYTES


def parameter_count(model: ModelSpec, vocab_size: int) -> int:
    """Attention has 4 C^2 weights a layer, its MLP of width 4 C has 8 C^2; norms have none, positions are rotations."""
    embedding = vocab_size * model.n_embd
    return embedding * (1 if model.tied_head else 2) + model.n_layer * 12 * model.n_embd**2


def flops_per_token(model: ModelSpec, parameters: int) -> float:
    """Forward and backward: 6 N + 12 L H Q T (PaLM, arXiv:2204.02311, appendix B)."""
    return 6.0 * parameters + 12.0 * model.n_layer * model.n_embd * model.sequence_length


def memory_bytes(spec: RunSpec, parameters: int, vocab_size: int) -> int:
    """Weights, gradients, two moments (and the buckets in which DDP sends gradients), plus what the backward pass keeps of each token:
    about 34 C values a layer, and the logits three times (as such, as float32, as gradient)."""
    copies = 4 if spec.compute.world_size == 1 else 5
    tokens = spec.micro_batch_size * spec.model.sequence_length
    activations = tokens * (34 * spec.model.n_layer * spec.model.n_embd + 3 * vocab_size)
    return FLOAT_BYTES * (copies * parameters + activations)
