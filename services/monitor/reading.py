"""Reading many streams at once, in bounded memory, whatever somebody has put into Redis."""

import logging
import time
from collections.abc import Mapping
from typing import Final, cast

import redis

from services.monitor.ingest import Entries
from shared import bus

log = logging.getLogger(__name__)
BATCH_ENTRIES: Final = 10_000
BATCH_BYTES: Final = 16 << 20
"""About so much is read at once: steps are a few hundred bytes, blocks of a log up to 64 KiB, and nobody says beforehand which come."""
LOOK_SECONDS: Final = 0.2


class StreamReader:
    """`broken`: topics whose keys in Redis are not what we make them. They are left alone until `forget`, so that the others go on."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.broken: set[str] = set()

    def forget(self) -> None:
        """Redis may be another one now, or mended: every topic is read again."""
        self.broken.clear()

    def topics(self) -> set[str]:
        members = cast(set[bytes], self.client.smembers(bus.TOPICS))
        found = {member.decode(errors="surrogateescape") for member in members}
        for topic in found - self.broken:
            if len(topic) > bus.MAX_TOPIC or not topic.isprintable():
                self._set_aside(topic, "that is no topic of ours")
        return found - self.broken

    def read(self, positions: Mapping[str, int], wait_seconds: float) -> dict[str, Entries]:
        """Entries behind each topic's position; those without any are left out. Waits so long for a first one."""
        deadline = time.monotonic() + wait_seconds
        while not (batch := self._read({topic: seq for topic, seq in positions.items() if topic not in self.broken})):
            if time.monotonic() >= deadline:
                break
            time.sleep(min(LOOK_SECONDS, max(deadline - time.monotonic(), 0)))
        return batch

    def _read(self, positions: Mapping[str, int]) -> dict[str, Entries]:
        if not positions:
            return {}
        most = max(50, BATCH_ENTRIES // len(positions))
        answers = bus.collect(self.client, positions, entries=most, size=BATCH_BYTES)
        for topic, answer in answers.items():
            if isinstance(answer, str):
                self._set_aside(topic, answer)
        return {topic: answer for topic, answer in answers.items() if answer and not isinstance(answer, str)}

    def _set_aside(self, topic: str, reason: str) -> None:
        log.error("topic %r is left alone: %s", topic[:100], reason)
        self.broken.add(topic)
