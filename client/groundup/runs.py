"""Runs: submit, look at, end."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from groundup.commands import Command, Commands
from groundup.problems import FieldProblem, LocalProblem
from groundup.records import read
from groundup.transport import Transport


@dataclass(frozen=True)
class Attempt:
    id: str
    attempt: int
    state: str
    worker: str | None = None
    slots: list[str] = field(default_factory=list)
    reason: str | None = None
    resume_step: int | None = None
    started_at: str | None = None
    ended_at: str | None = None


@dataclass(frozen=True)
class Progress:
    """As of the worker's last heartbeat."""

    step: int = 0
    steps: int = 0
    tokens: int = 0
    loss: float | None = None
    tokens_per_second: float | None = None
    eta_seconds: float | None = None


@dataclass(frozen=True)
class Failure:
    """What an attempt died of. `kind`: a name like out_of_memory."""

    kind: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Run:
    """`warnings`: told when it is submitted."""

    id: str
    name: str
    state: str
    project: str = "default"
    reason: str | None = None
    created_at: str = ""
    created_by: str = ""
    started_at: str | None = None
    ended_at: str | None = None
    spec: dict[str, Any] = field(default_factory=dict)
    resolved: dict[str, Any] | None = None
    attempts: list[Attempt] = field(default_factory=list, metadata={"of": Attempt})
    progress: Progress = field(default_factory=Progress, metadata={"of": Progress})
    summary: dict[str, float | None] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    failure: Failure | None = field(default=None, metadata={"of": Failure})
    holds_slots: bool = False
    parent_id: str | None = None
    origin: dict[str, Any] | None = None
    replay_of: str | None = None
    warnings: list[FieldProblem] = field(default_factory=list, metadata={"of": FieldProblem})

    @property
    def finished(self) -> bool:
        return self.state in {"succeeded", "failed", "stopped", "killed"}

    @property
    def succeeded(self) -> bool:
        return self.state == "succeeded"


@dataclass(frozen=True)
class Validation:
    valid: bool
    errors: list[FieldProblem] = field(default_factory=list, metadata={"of": FieldProblem})
    warnings: list[FieldProblem] = field(default_factory=list, metadata={"of": FieldProblem})
    estimate: dict[str, Any] | None = None


class Runs:
    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.commands = Commands(transport)

    def submit(self, spec: Mapping[str, Any] | str | Path) -> Run:
        """`spec`: a mapping, YAML text, or the path of a YAML file. Raises ApiProblem naming every field at fault."""
        return read(Run, self.transport.post("/api/v1/runs", load_spec(spec)))

    def validate(self, spec: Mapping[str, Any] | str | Path) -> Validation:
        return read(Validation, self.transport.post("/api/v1/runs/validate", load_spec(spec)))

    def get(self, run_id: str) -> Run:
        return read(Run, self.transport.get(f"/api/v1/runs/{run_id}"))

    def list(self, *, state: str | None = None, project: str | None = None, q: str | None = None) -> Iterator[Run]:
        """Newest first; each page is asked for when it is needed."""
        return (read(Run, item) for item in self.transport.items("/api/v1/runs", {"state": state, "project": project, "q": q}))

    def find(self, id_or_name: str) -> Run:
        """A run by its id, or the newest one of that name. Raises LocalProblem where there is none."""
        if id_or_name.startswith("run_"):
            return self.get(id_or_name)
        named = [run for run in self.list(q=id_or_name) if run.name == id_or_name]
        if not named:
            raise LocalProblem(f"there is no run '{id_or_name}'", remedy="`groundup run ls` lists them")
        return max(named, key=lambda run: run.created_at)

    def stop(self, run_id: str) -> Command:
        """Ask for an end at the next step, with a checkpoint."""
        return self.commands.ask(run_id, "stop")

    def kill(self, run_id: str) -> Command:
        """End its processes at once."""
        return self.commands.ask(run_id, "kill")

    def delete(self, run_id: str, *, force: bool = False) -> None:
        """Raises ApiProblem `checkpoint-needed` where one of its checkpoints is pinned or has an alias, without `force`."""
        self.transport.delete(f"/api/v1/runs/{run_id}{'?force=true' if force else ''}")

    def wait(self, run_id: str, *, timeout: float | None = None, sleep: Callable[[float], None] = time.sleep) -> Run:
        """Poll until the run has ended, well or not. `timeout` in seconds; raises TimeoutError."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not (run := self.get(run_id)).finished:
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"{run.name} is still {run.state} after {timeout} s")
            sleep(1)
        return run

    def fork(self, run_id: str, checkpoint_id: str, *, name: str | None = None, overrides: Mapping[str, Any] | None = None) -> Run:
        """A new run from a checkpoint of this one. `overrides`: parts of a spec. Raises ApiProblem naming the fields at fault."""
        body: dict[str, Any] = {"checkpoint_id": checkpoint_id, "overrides": dict(overrides or {})}
        return read(Run, self.transport.post(f"/api/v1/runs/{run_id}/fork", body | ({"name": name} if name else {})))

    def replay(self, run_id: str, *, name: str | None = None) -> Run:
        """The same again from the beginning, with every change at its step."""
        return read(Run, self.transport.post(f"/api/v1/runs/{run_id}/replay", {"name": name} if name else {}))


def load_spec(spec: Mapping[str, Any] | str | Path) -> dict[str, Any]:
    """Raises LocalProblem for what is not a mapping in YAML; its fields are the server's to judge."""
    if isinstance(spec, Mapping):
        return dict(spec)
    try:
        loaded = yaml.safe_load(spec.read_text() if isinstance(spec, Path) else spec)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LocalProblem(f"the spec is not readable: {' '.join(str(error).split())}", remedy="give a run spec in YAML") from error
    if not isinstance(loaded, dict):
        raise LocalProblem("the spec is not a mapping of fields", remedy="begin with 'name: ...'; docs/http-api.md shows one")
    return loaded
