"""Hears of emergency stops on Redis. The heartbeat's reply repeats them, so what is missed here costs one heartbeat at most."""

import logging
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared import bus
from shared.conversation import EmergencyOrder
from shared.names import EMERGENCY_CHANNEL

log = logging.getLogger(__name__)
RETRY_SECONDS: Final = 1.0
_LISTEN_SECONDS: Final = 1.0
_PING_SECONDS: Final = 3.0
_SILENCE_SECONDS: Final = 6.0
"""After so much of it the connection is taken for dead: one that was cut without a word stays open for hours."""


class EmergencyWatch:
    """On a connection of its own: a subscription that breaks is made anew. `on_stop` is called in this thread; so is `on_change`, where
    `listening` has changed, or what was said may have been missed.
    """

    def __init__(self, redis_url: str, on_stop: Callable[[EmergencyOrder], None], on_change: Callable[[], None]) -> None:
        self.redis_url, self.on_stop, self.on_change = redis_url, on_stop, on_change
        self.stopping = Event()
        self.listening = Event()
        self.thread = Thread(target=self._run, name="emergency", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._listen()
            except redis.RedisError as error:
                log.debug("not listening for emergency stops: %s", error)
            except Exception:
                log.exception("not listening for emergency stops")
            if self.listening.is_set():
                self.listening.clear()
                self.on_change()
            self.stopping.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        """Until told to stop. Raises redis.RedisError where the connection breaks."""
        with bus.connect(self.redis_url) as client:
            client.set_retry(Retry(NoBackoff(), 0))  # redis-py would subscribe again in silence
            with client.pubsub() as channel:
                channel.subscribe(EMERGENCY_CHANNEL)
                heard = pinged = time.monotonic()
                while not self.stopping.is_set():
                    message, now = channel.get_message(timeout=_LISTEN_SECONDS), time.monotonic()
                    if message:
                        heard = now
                        self._take(message)
                    if now > pinged + _PING_SECONDS:
                        pinged = now
                        channel.ping()
                    if now > heard + _SILENCE_SECONDS:
                        raise redis.TimeoutError("Redis does not answer")

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self.listening.set()
            self.on_change()
        elif message["type"] == "message":
            self._hear(message["data"])

    def _hear(self, data: bytes) -> None:
        try:
            order = EmergencyOrder.model_validate_json(data)
        except ValueError as error:
            log.error("a message on '%s' is not an emergency stop: %s", EMERGENCY_CHANNEL, error)
            return
        self.on_stop(order)
