"""The checkpoints a generator has at hand: the last two in memory, the last few on disk."""

import logging
import shutil
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer

from services.trainer.transfers import Transfers, file_name
from services.trainer.vocabulary import read_tokenizer
from shared.errors import InvalidField
from shared.internal import Located

log = logging.getLogger(__name__)
IN_MEMORY: Final = 2
ON_DISK: Final = 4
END_OF_TEXT: Final = "<|endoftext|>"


@dataclass(frozen=True)
class Loaded:
    model: Any
    tokenizer: Tokenizer
    stop_token: int | None

    def encode(self, prompt: str) -> list[int]:
        """Raises InvalidField for a prompt that has no tokens, where there is none to begin with either."""
        tokens = list(self.tokenizer.encode(prompt, add_special_tokens=False).ids)
        if tokens:
            return tokens
        if self.stop_token is None:
            raise InvalidField("prompt", "has no tokens; this checkpoint's tokenizer needs at least one", remedy="write a prompt")
        return [self.stop_token]


class Models:
    """`load` makes a model of a checkpoint's folder. Not for several threads."""

    def __init__(self, cache: Path, transfers: Transfers, load: Callable[[Path], tuple[Any, Any]]) -> None:
        self.cache, self.transfers, self.load = cache, transfers, load
        self.loaded: OrderedDict[str, Loaded] = OrderedDict()

    def get(self, checkpoint_id: str, files: Sequence[Located]) -> Loaded:
        """Raises EnvironmentFault or Damaged where its files cannot be had, and what `load` raises."""
        if checkpoint_id not in self.loaded:
            while len(self.loaded) >= IN_MEMORY:  # before the new one comes, so that there are never three
                self.loaded.popitem(last=False)
            self.loaded[checkpoint_id] = self._load(checkpoint_id, files)
        self.loaded.move_to_end(checkpoint_id)
        return self.loaded[checkpoint_id]

    def _load(self, checkpoint_id: str, files: Sequence[Located]) -> Loaded:
        folder = self.cache / file_name(checkpoint_id)
        self.transfers.fetch_folder(files, folder)
        folder.touch()
        self._prune(folder)
        log.info("loading %s", checkpoint_id)
        model, _spec = self.load(folder)
        tokenizer = read_tokenizer(folder / "tokenizer.json")
        return Loaded(model=model, tokenizer=tokenizer, stop_token=tokenizer.token_to_id(END_OF_TEXT))

    def _prune(self, newest: Path) -> None:
        kept = sorted((folder for folder in self.cache.iterdir() if folder != newest), key=lambda folder: folder.stat().st_mtime)
        for folder in kept[: -(ON_DISK - 1)]:
            shutil.rmtree(folder, ignore_errors=True)
