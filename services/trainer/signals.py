"""What others want of an attempt while its thread is at work."""

from dataclasses import dataclass, field
from threading import Event


@dataclass
class Signals:
    """What others want of an attempt. interrupt: no more set-up. abandon: nothing about it matters any more. kill_at: monotonic.

    leaving, preempted, halted: why it is to go, in words: with its host, for another run, or at once.
    """

    killed: Event = field(default_factory=Event)
    shutting_down: Event = field(default_factory=Event)
    interrupt: Event = field(default_factory=Event)
    abandon: Event = field(default_factory=Event)
    kill_at: float = float("inf")
    leaving: str = "the worker is shutting down"
    preempted: str = ""
    halted: str = ""
