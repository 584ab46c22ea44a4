"""What is missing in a spool: what a full one leaves out, and what a damaged one has lost."""

from dataclasses import dataclass
from typing import Final

from shared.events import AnyEvent, Record
from shared.training_events import EventsDropped, LogWritten, StepCompleted, StepSkipped

DROPPABLE: Final = (StepCompleted, StepSkipped, LogWritten)
"""All others say that something became of the run, and are few."""


@dataclass
class Gap:
    """Events that were left out one after the other. True where there are any."""

    count: int = 0
    first_step: int | None = None
    last_step: int | None = None
    reason: str = ""

    def __bool__(self) -> bool:
        return self.count > 0

    def add(self, event: AnyEvent, reason: str) -> None:
        self.count, self.reason = self.count + 1, reason
        if isinstance(event, StepCompleted | StepSkipped):
            self.first_step = event.step if self.first_step is None else self.first_step
            self.last_step = event.step

    def told(self) -> EventsDropped:
        return EventsDropped(count=self.count, first_step=self.first_step, last_step=self.last_step, reason=self.reason)


def lost_between(before: int, following: Record) -> Record:
    """Tells of the events that a producer numbered between these two, in the place of the last of them; the same whenever it is sent."""
    last = following.producer_seq - 1
    event = EventsDropped(count=last - before, reason="the worker's spool is damaged here")
    return Record.model_validate({**following.model_dump(exclude={"packed"}), "producer_seq": last, "event": event})
