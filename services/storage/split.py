"""Where long text is cut: behind a line's end if there is one, else between characters."""

import codecs
from collections.abc import Iterator


def split_text(text: str, size: int) -> Iterator[tuple[float, str]]:
    """Pieces of at most `size` characters, each with the share of the text that is done behind it."""
    start = 0
    while start < len(text):
        end = start + size
        if end < len(text):
            end = text.rfind("\n", start, end) + 1 or end
        yield min(1.0, end / len(text)), text[start:end]
        start = end


def last_cut(data: bytes) -> int:
    """How many of these bytes to take so that the cut is behind a line's end or a whole character."""
    if line_end := data.rfind(b"\n") + 1:
        return line_end
    decoder = codecs.getincrementaldecoder("utf-8")()
    decoder.decode(data)
    return len(data) - len(decoder.getstate()[0])
