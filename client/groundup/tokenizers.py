"""Tokenizers: train on a dataset, wait until ready."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from groundup.problems import LocalProblem
from groundup.records import read
from groundup.transport import Transport


@dataclass(frozen=True)
class Tokenizer:
    """`dataset`: what it was trained on, name@version, where the server tells."""

    id: str
    name: str
    version: int
    kind: str
    state: str
    vocab_size: int | None = None
    progress: float = 0.0
    reason: str | None = None
    bytes_per_token: float | None = None
    dataset: str | None = None

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.version}"


class Tokenizers:
    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def train(self, name: str, *, dataset: str, vocab_size: int, kind: str = "bpe") -> Tokenizer:
        """Start training the next version of `name` on a dataset (name or name@version)."""
        body = {"name": name, "kind": kind, "vocab_size": vocab_size, "dataset": dataset}
        return read(Tokenizer, self.transport.post("/api/v1/tokenizers", body))

    def list(self) -> Iterator[Tokenizer]:
        return (read(Tokenizer, item) for item in self.transport.items("/api/v1/tokenizers"))

    def get(self, name: str, version: int) -> Tokenizer:
        return read(Tokenizer, self.transport.get(f"/api/v1/tokenizers/{name}/versions/{version}"))

    def encode(self, name: str, version: int, text: str) -> dict[str, Any]:
        """`{"ids", "tokens"}`"""
        answer: dict[str, Any] = self.transport.post(f"/api/v1/tokenizers/{name}/versions/{version}/encode", {"text": text})
        return answer

    def wait(
        self, tokenizer: Tokenizer, *, on_progress: Callable[[Tokenizer], None] | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> Tokenizer:
        """Poll until it is ready. Raises LocalProblem with the reason where its training failed."""
        while tokenizer.state == "training":
            if on_progress:
                on_progress(tokenizer)
            sleep(0.5)
            tokenizer = self.get(tokenizer.name, tokenizer.version)
        if tokenizer.state != "ready":
            raise LocalProblem(f"{tokenizer.reference} is {tokenizer.state}: {tokenizer.reason}", remedy="mend the cause and train again")
        return tokenizer
