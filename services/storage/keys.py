"""Where things lie in the bucket. A key is made by us, from what was checked, and written once."""

from typing import Final

CHECKPOINTS: Final = "checkpoints/"


def part_key(sha256: str) -> str:
    return f"parts/{sha256[:2]}/{sha256}"


def shard_key(sha256: str) -> str:
    return f"shards/{sha256[:2]}/{sha256}"


def tokenizer_key(tokenizer_id: str) -> str:
    return f"tokenizers/{tokenizer_id}/tokenizer.json"


def checkpoint_key(run_id: str, checkpoint_id: str, name: str) -> str:
    return f"{CHECKPOINTS}{run_id}/{checkpoint_id}/{name}"
