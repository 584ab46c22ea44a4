"""Notices that a training makes no progress any more: longer silence than this attempt has ever needed."""

from dataclasses import dataclass, field
from typing import Final

PATIENCE: Final = 20.0
"""So many times the longest gap between two signs of life that was seen."""
STARTING: Final = 3.0
"""Before the first step, so many times the limit: compiling and loading take their time."""
AWAY_SECONDS: Final = 5.0
"""A longer time between two looks was no silence of the training: the agent, or the whole host, stood still."""


@dataclass
class Watchdog:
    """`limit`: seconds that are always allowed. `signs`: counts what the training has told so far; times are monotonic seconds."""

    limit: float
    signs: int = 0
    last: float | None = None
    longest: float = 0.0
    looked: float | None = None
    stepped: bool = field(default=False)

    def see(self, now: float, signs: int, *, stepped: bool, still: bool) -> None:
        """`still`: it stands still on purpose, which is no silence."""
        away, self.looked = now - (self.looked if self.looked is not None else now), now
        if self.last is not None and away > AWAY_SECONDS:
            self.last += away
        if self.last is None or still:
            self.last, self.signs = now, signs
            return
        if signs != self.signs:
            if self.stepped:
                self.longest = max(self.longest, now - self.last)
            self.signs, self.last, self.stepped = signs, now, self.stepped or stepped

    def silence(self, now: float) -> float:
        return now - self.last if self.last is not None else 0.0

    def is_hanging(self, now: float) -> bool:
        allowed = max(self.limit, PATIENCE * self.longest) if self.stepped else STARTING * self.limit
        return self.silence(now) > allowed
