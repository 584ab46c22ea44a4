"""Reads a part once, in pieces: is it UTF-8, do its files begin with whole characters, which characters are there."""

import codecs
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import numpy as np

_CODE_POINTS: Final = 0x110000
_CONTINUATION: Final = 0b10
"""The first two bits of every byte of a character but its first."""


class TextCheck:
    """Feed it a part's bytes in order, then `finish`. `boundaries`: ascending offsets at which files begin.

    `bad_byte` and `bad_boundary` are offsets in the part, None where all is well.
    """

    def __init__(self, boundaries: Sequence[int]) -> None:
        self.boundaries = boundaries
        self.bad_byte: int | None = None
        self.bad_boundary: int | None = None
        self.characters = 0
        self._position = 0
        self._seen = np.zeros(_CODE_POINTS, dtype=bool)
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, chunk: bytes) -> None:
        self._check_boundaries(chunk)
        self._decode(chunk, final=False)
        self._position += len(chunk)

    def finish(self) -> None:
        self._decode(b"", final=True)

    @property
    def character_set(self) -> str:
        return "".join(map(chr, np.flatnonzero(self._seen).tolist()))

    def _check_boundaries(self, chunk: bytes) -> None:
        first = bisect_left(self.boundaries, self._position)
        behind = bisect_left(self.boundaries, self._position + len(chunk))
        for boundary in self.boundaries[first:behind]:
            if chunk[boundary - self._position] >> 6 == _CONTINUATION and self.bad_boundary is None:
                self.bad_boundary = boundary

    def _decode(self, chunk: bytes, *, final: bool) -> None:
        if self.bad_byte is not None:
            return
        pending = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            self.bad_byte = self._position - pending + error.start
            return
        self.characters += len(text)
        if text.isascii():
            self._seen[:128] |= np.bincount(np.frombuffer(text.encode("ascii"), np.uint8), minlength=128) > 0
        else:
            self._seen[np.frombuffer(text.encode("utf-32-le"), "<u4")] = True
