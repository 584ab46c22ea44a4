"""The run directory: all that a training child sees of the world, and all that the agent sees of the child.

attempt.json             what to train (AttemptOrder), written by the agent before the child starts
claim.json, launcher.json  the agent's own: whose the attempt is and which process, for an agent that is started anew
leaving.json             the agent's own: that it has asked the processes to save themselves and end, and why
reported                 the agent's own: the api knows how it ended; nothing but events is left to be told
tokens/<shard>           token ids, as TokenShards.shards names them
tokenizer.json
restore/                 the checkpoint to go on from; absent for a fresh start
commands.jsonl           one Order a line, appended by the agent
spool                    events of rank 0, appended by the child, in segments and never more than `spool_bytes` of them (spool.py)
agent.spool              events about the child, appended by the agent: logs, deaths
checkpoints/step_<n>/    complete once it has this name; `manifest.json` lists the files
logs/rank<k>.log         stdout and stderr of each process
pids/rank<k>             process id of each process
failure-rank<k>.json     Failure: what a process that dies knows of that
outcome.json             Outcome, written by rank 0 as its last act
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from services.trainer.settings import SPOOL_BYTES
from shared.commands import CommandType, JournalEntry
from shared.failures import Failure
from shared.internal import FileRef, Message
from shared.spec import RunSpec


def _without_null(metrics: Any) -> Any:
    return {name: value for name, value in metrics.items() if value is not None} if isinstance(metrics, dict) else metrics


Metrics = Annotated[dict[str, float], BeforeValidator(_without_null)]
"""Newest value of each metric. JSON has no NaN: one that is not finite is written as null and is missing when read back."""


class TokenFiles(Message):
    """Token shards as they lie in `tokens/`, in reading order; the fields are those of shared.internal.TokenShards."""

    dtype: Literal["uint16", "uint32"]
    tokens: int
    vocab_size: int
    end_of_text: int
    token_bytes: list[int]
    files: list[str]


class AttemptOrder(Message):
    """`checkpoint`: the files of `restore/` as they were committed, the manifest among them. `journal`: what the run changed about itself
    so far; entries behind the checkpoint are applied again at their steps.
    """

    run_id: str
    attempt: int
    fence: int
    spec: RunSpec
    device: Literal["cpu", "cuda"]
    data: TokenFiles
    spool_bytes: int = SPOOL_BYTES
    checkpoint: list[FileRef] = Field(default_factory=list)
    journal: list[JournalEntry] = Field(default_factory=list)


class Order(Message):
    """A command as the child gets it; of `kill` it never hears."""

    command_id: str
    type: CommandType
    arguments: dict[str, Any] = Field(default_factory=dict)


FORMATS: Final = (1, 2)
"""Of checkpoints: those that can be read. The last one is written."""


class Manifest(Message):
    """Last file of a checkpoint; the digests are of the files beside it."""

    format: Literal[1, 2] = 2
    run_id: str
    step: int
    tokens: int
    metrics: Metrics
    files: list[FileRef]


class Outcome(Message):
    """`failed` here means that the run itself is at fault (its loss is NaN, say) and trying again would not help; unless `damage` says
    what is wrong with the bytes of the checkpoint it was to go on from: then an older one will do. `failure`: what it died of, by name.
    """

    state: Literal["succeeded", "stopped", "failed", "paused", "rolled_back"]
    step: int
    tokens: int
    reason: str = ""
    summary: Metrics
    damage: str = ""
    failure: Failure | None = None


@dataclass(frozen=True)
class RunDirectory:
    root: Path

    @property
    def order(self) -> Path:
        return self.root / "attempt.json"

    @property
    def tokens(self) -> Path:
        return self.root / "tokens"

    @property
    def tokenizer(self) -> Path:
        return self.root / "tokenizer.json"

    @property
    def restore(self) -> Path:
        return self.root / "restore"

    @property
    def commands(self) -> Path:
        return self.root / "commands.jsonl"

    @property
    def claim(self) -> Path:
        return self.root / "claim.json"

    @property
    def launcher(self) -> Path:
        return self.root / "launcher.json"

    @property
    def leaving(self) -> Path:
        return self.root / "leaving.json"

    @property
    def reported(self) -> Path:
        return self.root / "reported"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def agent_spool(self) -> Path:
        return self.root / "agent.spool"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def outcome(self) -> Path:
        return self.root / "outcome.json"

    def log(self, rank: int) -> Path:
        return self.root / "logs" / f"rank{rank}.log"

    def failure(self, rank: int) -> Path:
        return self.root / f"failure-rank{rank}.json"

    def pid(self, rank: int) -> Path:
        return self.root / "pids" / f"rank{rank}"


def write_whole(path: Path, text: str) -> None:
    """Whoever finds the file finds all of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.with_name(f".{path.name}.tmp")
    torn.write_text(text)
    torn.replace(path)
