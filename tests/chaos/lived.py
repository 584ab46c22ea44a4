"""What runs on real processes have come to, of one platform or of several."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Times:
    """Seconds, one for each time that it was seen."""

    to_claimed: list[float] = field(default_factory=list)
    to_running: list[float] = field(default_factory=list)
    dead_process: list[float] = field(default_factory=list)
    dead_worker: list[float] = field(default_factory=list)
    emergency: list[float] = field(default_factory=list)
    emergency_without_redis: list[float] = field(default_factory=list)
    commands: list[float] = field(default_factory=list)
    steps_before: list[float] = field(default_factory=list)
    steps_during: list[float] = field(default_factory=list)


@dataclass
class Lived:
    """`wrong` says in words what does not hold. `steps`: in effective histories; `flaws`: those of them lost or doubled. `listeners`:
    what clients of the WebSocket were told, counted."""

    times: Times = field(default_factory=Times)
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    steps: int = 0
    flaws: int = 0
    listeners: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Lived") -> None:
        for name, seconds in vars(self.times).items():
            seconds += getattr(other.times, name)
        self.done += other.done
        self.wrong += other.wrong
        self.steps += other.steps
        self.flaws += other.flaws
        self.listeners += other.listeners
