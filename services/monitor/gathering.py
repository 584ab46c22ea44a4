"""Commands to Redis from many greenlets at once, sent together: a storm of callers costs a few round trips, not one each."""

import threading
from typing import Any, Final

import redis

_MOST: Final = 500


class _Asked:
    __slots__ = ("answer", "command", "done")

    def __init__(self, command: tuple[Any, ...]) -> None:
        self.command = command
        self.done = threading.Event()
        self.answer: Any = None


class Gathering:
    """Whoever comes while nobody is asking sends for all who come meanwhile."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self._waiting: list[_Asked] = []
        self._lock = threading.Lock()
        self._asking = False

    def ask(self, *command: Any) -> Any:
        """The answer to one command, as Redis gives it. Raises RedisError."""
        asked = _Asked(command)
        with self._lock:
            self._waiting.append(asked)
            leads, self._asking = not self._asking, True
        if leads:
            self._lead()
        asked.done.wait()
        if isinstance(asked.answer, Exception):
            raise asked.answer
        return asked.answer

    def _lead(self) -> None:
        while True:
            with self._lock:
                batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                self._asking = bool(batch)
            if not batch:
                return
            for asked, answer in zip(batch, self._send(batch), strict=True):
                asked.answer = answer
                asked.done.set()

    def _send(self, batch: list[_Asked]) -> list[Any]:
        try:
            pipeline = self.client.pipeline(transaction=False)
            for asked in batch:
                pipeline.execute_command(*asked.command)  # type: ignore[no-untyped-call]
            return list(pipeline.execute(raise_on_error=False))
        except Exception as error:  # noqa: BLE001  (who waits must hear of it, whatever it is)
            return [error] * len(batch)
