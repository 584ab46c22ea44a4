"""What a rank is asked to do at a step boundary: orders from the agent's file, and signals."""

import logging
import signal
from pathlib import Path
from types import FrameType

import torch
from pydantic import ValidationError

from services.trainer.rundir import Order
from services.trainer.steering import Interrupt
from services.trainer.world import World

log = logging.getLogger(__name__)


class Commands:
    """Called at every boundary by every rank; all get the same answer, for the price of one all-reduce of two numbers.

    Rank 0 reads the file; SIGTERM to any rank is an Interrupt for all.
    """

    def __init__(self, path: Path, world: World) -> None:
        self.path, self.world = path, world
        self.offset, self.terminated = 0, False

    def listen(self) -> None:
        signal.signal(signal.SIGTERM, self._note)

    def __call__(self) -> list[Order | Interrupt]:
        lines = self._new_lines() if self.world.rank == 0 else b""
        terminated, size = self.world.total(torch.tensor([int(self.terminated), len(lines)])).tolist()
        orders: list[Order | Interrupt] = []
        if size:
            orders += _parse(self.world.from_first(lines, size))
        if terminated:
            orders.append(Interrupt())
        return orders

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        self.terminated = True

    def _new_lines(self) -> bytes:
        """Complete lines that were not read yet; a line that is still being written waits for the next boundary."""
        if not self.path.exists():
            return b""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            lines = file.read()
        lines = lines[: lines.rfind(b"\n") + 1]
        self.offset += len(lines)
        return lines


def _parse(lines: bytes) -> list[Order]:
    orders = []
    for line in lines.splitlines():
        try:
            orders.append(Order.model_validate_json(line))
        except ValidationError as error:
            log.error("an order that cannot be read is left out: %s (%s)", line[:200], error)
    return orders
