"""The order of the training windows: a permutation that is computed, never stored.

A keyed Feistel network (Luby & Rackoff 1988) shuffles the smallest power of four that holds all windows; what falls outside is sent
through again until it falls inside ("cycle walking": Black & Rogaway 2002, "Ciphers with Arbitrary Finite Domains"). Any element costs
the same, at any place of any epoch, so a resumed run, or one with another world size, reads exactly what an uninterrupted one would.
"""

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.uint64]
ROUNDS: Final = 6


def epoch_key(seed: int, epoch: int) -> Indices:
    """ROUNDS keys of the network, and a last number to derive the epoch's start offset from."""
    digest = hashlib.shake_128(f"{seed}/{epoch}".encode()).digest(8 * (ROUNDS + 1))
    return np.frombuffer(digest, dtype="<u8").astype(np.uint64)


def permute(indices: Indices, count: int, key: Indices) -> Indices:
    """Where each index goes under the permutation of `range(count)` that `key` selects."""
    half = np.uint64(max(1, ((count - 1).bit_length() + 1) // 2))
    places = _feistel(indices, half, key)
    while (outside := places >= count).any():
        places[outside] = _feistel(places[outside], half, key)
    return places


def _feistel(values: Indices, half: np.uint64, key: Indices) -> Indices:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = values >> half, values & mask
    for round_key in key[:ROUNDS]:
        left, right = right, left ^ (_scramble(right ^ round_key) & mask)
    return (left << half) | right


def _scramble(values: Indices) -> Indices:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
