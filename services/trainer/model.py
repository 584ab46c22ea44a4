"""The decoder, whole. It knows nothing of devices, processes or the platform.

A pre-norm transformer with rotary positions (Su et al. 2021, arXiv:2104.09864), normalised queries and keys (Henry et al. 2020,
arXiv:2010.04245), squared ReLU (So et al. 2021, arXiv:2109.08668) and RMSNorm without gains (Zhang & Sennrich 2019, arXiv:1910.07467).
Every residual branch starts at zero, so that the untrained model is its embedding and its head.

Shapes: B sequences, T tokens, C channels, H heads of D = C / H channels, V tokens in the vocabulary, L layers.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shared.spec import ModelSpec

EMBEDDING_STD: Final = 0.02
ROTARY_BASE: Final = 10_000.0


class GPT(nn.Module):
    def __init__(self, spec: ModelSpec, vocab_size: int) -> None:
        super().__init__()
        self.spec, self.vocab_size = spec, vocab_size
        self.embed = nn.Embedding(vocab_size, spec.n_embd)
        self.dropout = nn.Dropout(spec.dropout)
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.n_layer))
        self.head = None if spec.tied_head else zeroed(nn.Linear(spec.n_embd, vocab_size, bias=False))
        self.register_buffer("rotations", rotations(spec.sequence_length, spec.n_embd // spec.n_head), persistent=False)
        nn.init.normal_(self.embed.weight, std=EMBEDDING_STD)

    def forward(self, tokens: Tensor, cache: "Cache | None" = None) -> Tensor:
        """Logits for the token after each of `tokens`: (B, T) integers -> (B, T, V).

        With a cache, `tokens` continue the sequence that is in it, and are added to it. Raises ValueError where they do not fit.
        """
        start, end = span(self.spec, tokens, cache)
        turn = torch.view_as_complex(self.get_buffer("rotations")[start:end, None])  # (T, 1, D/2)
        x = self.dropout(norm(self.embed(tokens)))  # (B, T, C)
        for layer, block in enumerate(self.blocks):
            x = block(x, turn, cache and cache.layer(layer, end))
        if cache is not None:
            cache.length = end
        x = norm(x)
        return F.linear(x, self.embed.weight) if self.head is None else self.head(x)  # (B, T, V)

    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())


class Block(nn.Module):
    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.attention = Attention(spec)
        self.mlp = MLP(spec)

    def forward(self, x: Tensor, turn: Tensor, past: "LayerCache | None") -> Tensor:
        x = x + self.attention(norm(x), turn, past)  # (B, T, C)
        y: Tensor = x + self.mlp(norm(x))
        return y


class Attention(nn.Module):
    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.n_head, self.dropout = spec.n_head, spec.dropout
        self.qkv = nn.Linear(spec.n_embd, 3 * spec.n_embd, bias=False)
        self.out = zeroed(nn.Linear(spec.n_embd, spec.n_embd, bias=False))

    def forward(self, x: Tensor, turn: Tensor, past: "LayerCache | None") -> Tensor:
        B, T, C = x.shape  # noqa: N806  (shapes keep their letters)
        qkv = self.qkv(x).view(B, T, 3 * self.n_head, -1)  # (B, T, 3H, D)
        qk, v = qkv.split((2 * self.n_head, self.n_head), dim=2)
        q, k = rotate(norm(qk), turn).type_as(v).chunk(2, dim=2)
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)  # (B, H, T, D)
        mask = None
        if past is not None:
            k, v = past.append(k, v)  # (B, H, past + T, D)
            mask = torch.ones(T, k.size(2), dtype=torch.bool, device=x.device).tril(k.size(2) - T)
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, mask, dropout, is_causal=past is None)
        out: Tensor = self.out(y.transpose(1, 2).reshape(B, T, C))
        return F.dropout(out, dropout) if dropout else out


class MLP(nn.Module):
    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.up = nn.Linear(spec.n_embd, 4 * spec.n_embd, bias=False)
        self.down = zeroed(nn.Linear(4 * spec.n_embd, spec.n_embd, bias=False))
        self.dropout = nn.Dropout(spec.dropout)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.dropout(self.down(F.relu(self.up(x)).square()))
        return y


def norm(x: Tensor) -> Tensor:
    """Each vector of the last dimension divided by its root mean square."""
    return F.rms_norm(x, (x.size(-1),))


def rotations(length: int, width: int) -> Tensor:
    """By how much position t turns each pair of channels, as real and imaginary part: (length, width / 2, 2)."""
    speed = ROTARY_BASE ** -torch.arange(0, 1, 2 / width)
    angle = torch.outer(torch.arange(length), speed)
    return torch.stack((angle.cos(), angle.sin()), dim=-1)


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Turn neighbouring channels, taken as complex numbers. x: (B, T, heads, D); turn: (T, 1, D/2) complex."""
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))  # (B, T, heads, D/2)
    return torch.view_as_real(pairs * turn).flatten(-2)


def zeroed(linear: nn.Linear) -> nn.Linear:
    nn.init.zeros_(linear.weight)
    return linear


class Cache:
    """Keys and values of the tokens so far, so that a new token costs one position and not all. Not for training.

    Room for `sequence_length` tokens of `batch` sequences is made at once.
    """

    def __init__(self, model: GPT, batch: int = 1) -> None:
        spec, weight = model.spec, model.embed.weight
        shape = (spec.n_layer, batch, spec.n_head, spec.sequence_length, spec.n_embd // spec.n_head)  # (L, B, H, T, D)
        self.keys, self.values = weight.new_zeros(shape), weight.new_zeros(shape)
        self.length = 0

    def layer(self, index: int, end: int) -> "LayerCache":
        return LayerCache(self.keys[index], self.values[index], self.length, end)


@dataclass(frozen=True)
class LayerCache:
    """One layer's share of a cache, about to grow from `start` to `end` tokens."""

    keys: Tensor
    values: Tensor
    start: int
    end: int

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Add keys and values (B, H, T, D) of new tokens; those of all tokens come back."""
        self.keys[:, :, self.start : self.end] = k
        self.values[:, :, self.start : self.end] = v
        return self.keys[:, :, : self.end], self.values[:, :, : self.end]


def span(spec: ModelSpec, tokens: Tensor, cache: Cache | None) -> tuple[int, int]:
    """The positions that `tokens` take."""
    start = 0 if cache is None else cache.length
    end = start + tokens.size(1)
    if end > spec.sequence_length:
        raise ValueError(f"{start} tokens and {tokens.size(1)} more do not fit into a sequence of {spec.sequence_length}")
    return start, end
