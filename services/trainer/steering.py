"""Between two steps: what a run is asked to do there, on every rank the same."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import torch

from services.trainer.optimizer import tune
from services.trainer.plan import Plan
from services.trainer.rundir import Order
from services.trainer.state import History
from shared.commands import CommandType, JournalEntry
from shared.errors import UserError
from shared.events import AnyEvent
from shared.training_events import CommandApplied, HyperparametersChanged, TrainingContinued, TrainingHeld

HOLD_SECONDS: Final = 0.2
"""How often a training that stands still looks for what it is asked."""
_T = CommandType
_SAVING: Final = frozenset({_T.STOP, _T.PAUSE, _T.SAVE_CHECKPOINT})
_ON_THE_WAY: Final = frozenset({_T.EVALUATE, _T.SAMPLE})
_LEFT_OUT: Final[Mapping[str, frozenset[CommandType]]] = {
    "stopped": _ON_THE_WAY | {_T.PAUSE, _T.ROLLBACK},
    "paused": _ON_THE_WAY,
    "rolled_back": _ON_THE_WAY | {_T.PAUSE, _T.SAVE_CHECKPOINT},
}
"""What is not done any more at the boundary at which an attempt ends so."""


@dataclass(frozen=True)
class Interrupt:
    """Comes instead of a command where the machine wants its processes back: save, and leave the rest to another attempt."""


class Interrupted(Exception):
    """The run was saved and left after `step`."""

    def __init__(self, step: int) -> None:
        super().__init__(f"interrupted after step {step}; its checkpoint is saved")
        self.step = step


End = tuple[Literal["stopped", "paused", "rolled_back"], str]


@dataclass(frozen=True)
class Asked:
    """At one boundary, beside changes, which are made at once."""

    orders: Sequence[Order] = ()
    interrupted: bool = False

    def find(self, kind: CommandType) -> Order | None:
        return next((order for order in self.orders if order.type == kind), None)

    @property
    def saves(self) -> bool:
        """Whether somebody waits for a checkpoint of this very step."""
        return not self.goes_back and (self.interrupted or any(order.type in _SAVING for order in self.orders))

    @property
    def goes_back(self) -> bool:
        """Whether this step is to be left behind."""
        end = self.end()
        return end is not None and end[0] == "rolled_back"

    @property
    def holds(self) -> bool:
        pause = self.find(_T.PAUSE)
        return pause is not None and bool(pause.arguments.get("hold"))

    def end(self) -> End | None:
        """How the attempt ends here, if it does. What is to stop is not rolled back or paused before."""
        if self.find(_T.STOP):
            return "stopped", "asked to stop"
        if order := self.find(_T.ROLLBACK):
            return "rolled_back", f"asked to go back to step {order.arguments.get('step')}"
        if self.find(_T.PAUSE) and not self.holds:
            return "paused", "asked to pause"
        return None

    def done(self) -> list[Order]:
        """All but what the end of the attempt comes before: the next one is asked for that again, or it ends with the run."""
        end = self.end()
        left_out = _LEFT_OUT[end[0]] if end else _ON_THE_WAY if self.interrupted else frozenset[CommandType]()
        return [order for order in self.orders if order.type not in left_out]

    def samples(self, *, due: bool) -> list[list[str]]:
        """Of which prompts; none for the run's own, which come once, `due` or asked for."""
        asked = [[str(prompt) for prompt in order.arguments.get("prompts", ())] for order in self.orders if order.type == _T.SAMPLE]
        return [*([[]] if due or [] in asked else []), *filter(None, asked)]


@dataclass
class Steering:
    """`replay`: changes of the run that are to be applied again at their steps, in order."""

    plan: Plan
    optimizer: torch.optim.Optimizer
    history: History
    commands: Callable[[], Sequence[Order | Interrupt]]
    emit: Callable[[AnyEvent], None]
    ranks: int
    replay: list[JournalEntry] = field(default_factory=list)
    waiting: list[Order | Interrupt] = field(default_factory=list)
    later: list[AnyEvent] = field(default_factory=list)

    def begin(self) -> None:
        """Before the first step of an attempt: what was changed holds from that step on; all else waits for its end."""
        tune(self.optimizer, self.plan.train.optimizer)
        asked = self.look()
        self.waiting = [*asked.orders, *([Interrupt()] if asked.interrupted else [])]
        self.tell(Asked())

    def look(self) -> Asked:
        """Make the changes that are due behind the present step, and say what else is asked."""
        while self.replay and self.replay[0].step <= self.history.step:
            self._replay(self.replay.pop(0))
        found, self.waiting = [*self.waiting, *self.commands()], []
        others: list[Order] = []
        for order in (each for each in found if isinstance(each, Order)):
            if known := self.history.find(order.command_id):
                self._say(order, known.step)
            elif order.type == _T.SET_HYPERPARAMETERS:
                self._change(order)
            else:
                others.append(order)
        return Asked(others, any(isinstance(each, Interrupt) for each in found))

    def tell(self, asked: Asked) -> None:
        """What is done of it, behind the present step."""
        for order in asked.done():
            self._say(order, self.history.step)
        told, self.later = self.later, []
        for event in told:
            self.emit(event)

    def hold(self, evaluate: Callable[[], None], sample: Callable[[Sequence[str]], None]) -> End | None:
        """Stand still, obedient, until asked to go on; how it ends instead. All of it is saved already. Raises Interrupted."""
        self.emit(TrainingHeld(step=self.history.step))
        began = time.perf_counter()
        while True:
            time.sleep(HOLD_SECONDS)
            asked = self.look()
            self.tell(asked)
            if end := asked.end():
                return end
            if asked.interrupted:
                raise Interrupted(self.history.step)
            if asked.find(_T.EVALUATE):
                evaluate()
            for prompts in asked.samples(due=False):
                sample(prompts)
            if asked.find(_T.RESUME):
                self.emit(TrainingContinued(step=self.history.step, seconds=time.perf_counter() - began))
                return None

    def _say(self, order: Order, step: int) -> None:
        self.later.append(CommandApplied(command_id=order.command_id, step=step, ranks=self.ranks, command=order.type))

    def _change(self, order: Order) -> None:
        step = self.history.step
        try:
            old, new = self.plan.change(step, order.arguments)
        except UserError as error:
            refused = {"command_id": order.command_id, "step": step, "ranks": self.ranks, "command": order.type}
            self.later.append(CommandApplied.model_validate({**refused, "rejected": error.detail}))
            return
        tune(self.optimizer, self.plan.train.optimizer)
        self.history.enter(order)
        self.later.append(HyperparametersChanged(command_id=order.command_id, step=step, old=old, new=new))
        self._say(order, step)

    def _replay(self, entry: JournalEntry) -> None:
        """It was possible at this step once, so it is again."""
        old, new = self.plan.change(entry.step, entry.arguments)
        tune(self.optimizer, self.plan.train.optimizer)
        self.history.journal.append(entry)
        self.later.append(HyperparametersChanged(command_id=entry.command_id, step=entry.step, old=old, new=new, replayed=True))
