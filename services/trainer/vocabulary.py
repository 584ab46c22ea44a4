"""Tokenizers as storage writes them: one `tokenizer.json` each."""

from pathlib import Path

from tokenizers import Tokenizer


def read_tokenizer(file: Path) -> Tokenizer:
    """Text that happens to spell a special token stays text. The file cannot say that, so everyone who reads it has to."""
    tokenizer: Tokenizer = Tokenizer.from_file(str(file))
    tokenizer.encode_special_tokens = True
    return tokenizer
