"""Commands to a run: ask it to change, and see what became of that."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from groundup.records import read
from groundup.transport import Transport


@dataclass(frozen=True)
class Command:
    """`state`: requested, accepted (the worker has it), applied after `step` on so many `ranks`, or rejected with the `reason`."""

    command_id: str
    type: str
    state: str
    arguments: dict[str, Any] = field(default_factory=dict)
    step: int | None = None
    ranks: int | None = None
    reason: str = ""
    by: str = ""
    created_at: str = ""
    accepted_at: str | None = None
    ended_at: str | None = None
    undone: bool = False

    @property
    def settled(self) -> bool:
        return self.state in {"applied", "rejected"}


class Commands:
    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def ask(self, run_id: str, kind: str, **fields: Any) -> Command:
        """`kind`: stop, kill, pause (`hold`), resume (`from_scratch`), save_checkpoint, evaluate, sample (`prompts`), set_hyperparameters
        (`changes`), rollback (`checkpoint_id`). Raises ApiProblem where it is refused.
        """
        return read(Command, self.transport.post(f"/api/v1/runs/{run_id}/commands", {"type": kind, **fields}))

    def list(self, run_id: str) -> "list[Command]":
        """Newest first."""
        return [read(Command, item) for item in self.transport.items(f"/api/v1/runs/{run_id}/commands", {})]

    def wait(self, run_id: str, command_id: str, *, timeout: float | None = None, sleep: Callable[[float], None] = time.sleep) -> Command:
        """Poll until it is applied or rejected. `timeout` in seconds; raises TimeoutError."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            command = self._newest(run_id, command_id)
            if command.settled:
                return command
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"'{command.type}' is still {command.state} after {timeout} s")
            sleep(0.5)

    def _newest(self, run_id: str, command_id: str) -> Command:
        """What is looked for is on the first page, as a rule, and then no other is asked for."""
        items = self.transport.items(f"/api/v1/runs/{run_id}/commands", {})
        return next(read(Command, item) for item in items if item["command_id"] == command_id)
