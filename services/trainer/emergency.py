"""Hears of emergency stops on Redis. The heartbeat's reply repeats them, so what is missed here costs one heartbeat at most."""

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

import redis

from shared import bus
from shared.conversation import EmergencyOrder
from shared.names import EMERGENCY_CHANNEL

log = logging.getLogger(__name__)
RETRY_SECONDS: Final = 1.0
_LISTEN_SECONDS: Final = 1.0


class EmergencyWatch:
    """On a connection of its own: a subscription that breaks is made anew. `on_stop` is called in this thread."""

    def __init__(self, redis_url: str, on_stop: Callable[[EmergencyOrder], None]) -> None:
        self.redis_url, self.on_stop = redis_url, on_stop
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
                self.listening.clear()
                log.debug("not listening for emergency stops: %s", error)
                self.stopping.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        with bus.connect(self.redis_url) as client, client.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(EMERGENCY_CHANNEL)
            self.listening.set()
            while not self.stopping.is_set():
                message = channel.get_message(timeout=_LISTEN_SECONDS)
                if message:
                    self._hear(message["data"])

    def _hear(self, data: bytes) -> None:
        try:
            order = EmergencyOrder.model_validate_json(data)
        except ValueError as error:
            log.error("a message on '%s' is not an emergency stop: %s", EMERGENCY_CHANNEL, error)
            return
        self.on_stop(order)
