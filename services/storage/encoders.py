"""Text to token ids. Every tokenizer is one `tokenizer.json`; for bytes and characters numpy gives the same ids many times faster."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

END_OF_TEXT: Final = "<|endoftext|>"
UNKNOWN: Final = "<unk>"
_CODE_POINTS: Final = 0x110000
Ids = NDArray[np.uint32]


class Encoder(Protocol):
    """`encode` gives one array of ids per text; text that looks like a special token is text."""

    tokenizer: Tokenizer

    def encode(self, texts: Sequence[str]) -> list[Ids]: ...


class ByteEncoder:
    """A byte's id is its value."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        return [np.frombuffer(text.encode(), np.uint8).astype(np.uint32) for text in texts]


class CharEncoder:
    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self._id_of = np.full(_CODE_POINTS, tokenizer.token_to_id(UNKNOWN), np.uint32)
        for token, token_id in tokenizer.get_vocab(with_added_tokens=False).items():
            if len(token) == 1:
                self._id_of[ord(token)] = token_id

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        return [self._id_of[np.frombuffer(text.encode("utf-32-le"), "<u4")] for text in texts]


class PieceEncoder:
    """Whatever `tokenizers` itself encodes."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        return [np.array(encoding.ids, np.uint32) for encoding in self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


ENCODERS: Final[dict[str, type[ByteEncoder] | type[CharEncoder] | type[PieceEncoder]]] = {
    "byte": ByteEncoder,
    "char": CharEncoder,
    "bpe": PieceEncoder,
}


@lru_cache(maxsize=4)
def load_encoder(kind: str, tokenizer_json: str) -> Encoder:
    return ENCODERS[kind](load(tokenizer_json))


def load(tokenizer_json: str) -> Tokenizer:
    """`encode_special_tokens` is not part of the file: without it, text that spells a special token would become that token."""
    tokenizer = Tokenizer.from_str(tokenizer_json)
    tokenizer.encode_special_tokens = True
    return tokenizer


def byte_tokenizer() -> Tokenizer:
    """256 bytes, each its own id, and end-of-text."""
    tokenizer = byte_level(models.BPE(vocab={character: byte for byte, character in enumerate(_byte_characters())}, merges=[]))
    tokenizer.add_special_tokens([END_OF_TEXT])
    return tokenizer


def char_tokenizer(characters: str) -> Tokenizer:
    """An id for each of these distinct characters, then unknown, then end-of-text."""
    vocab = {character: token_id for token_id, character in enumerate(characters)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab | {UNKNOWN: len(vocab)}, merges=[], unk_token=UNKNOWN))
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([UNKNOWN, END_OF_TEXT])
    return tokenizer


def byte_level(model: models.BPE) -> Tokenizer:
    """A tokenizer whose alphabet is the 256 bytes, so that any text comes back exactly."""
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def token_bytes(kind: str, tokenizer: Tokenizer) -> list[int]:
    """How many bytes of text each id stands for; 0 for special tokens. In byte-level vocabularies a byte is spelt as one character."""
    sizes = [0] * tokenizer.get_vocab_size()
    special = tokenizer.get_added_tokens_decoder()
    for token, token_id in tokenizer.get_vocab().items():
        if token_id not in special:
            sizes[token_id] = len(token.encode()) if kind == "char" else len(token)
    return sizes


def token_dtype(vocab_size: int) -> Any:
    """The narrowest of the two that shards are made of."""
    return np.dtype("<u2") if vocab_size <= 1 << 16 else np.dtype("<u4")


def dump(tokenizer: Tokenizer) -> bytes:
    return json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False).encode()


def _byte_characters() -> list[str]:
    """How byte-level vocabularies spell byte 0, 1, ...: printable Latin-1 as itself, the others as characters from 256 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]
