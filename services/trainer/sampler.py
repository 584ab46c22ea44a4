"""The host's readings, once a second, to everybody who looks: a thread reads, another sends, so that neither waits for the other."""

import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Final

import redis

from services.trainer.readings import Readings
from shared import bus
from shared.cluster_events import HostSampled
from shared.events import Record
from shared.names import worker_topic

log = logging.getLogger(__name__)
KEPT: Final = 600
"""Samples that wait in memory while Redis is away: ten minutes. They are worth no disk."""
BATCH: Final = 100
OUTAGE_SECONDS: Final = 0.5
MIDDLE: Final = 0.5
"""Where in a second it is read: a thread that wakes a little early or late still reads in that second."""
TOO_SOON: Final = 0.25


@dataclass
class Waiting:
    number: int
    at: float
    event: HostSampled


class SampleQueue:
    """What has not been sent yet: numbered without holes for the producer that `publish` names, at most `kept`.

    Where Redis asks for numbers that are gone (it was emptied), or a hole is made here, numbering begins anew under another name. The
    second of a sample is what says whether it is there already, so nothing counts twice.
    """

    def __init__(self, worker: str, *, kept: int = KEPT) -> None:
        self.topic, self.kept = worker_topic(worker), kept
        self.waiting: deque[Waiting] = deque()
        self.lock = Lock()
        self._begin_anew()

    def add(self, at: float, event: HostSampled) -> None:
        with self.lock:
            self.last += 1
            self.waiting.append(Waiting(self.last, at, event))
            if len(self.waiting) > self.kept:
                self._give_up_oldest()

    def publish(self, client: redis.Redis) -> int:
        """Send one batch; how many samples Redis took. Raises redis.RedisError with nothing lost."""
        with self.lock:
            batch = [self._record(sample) for sample in list(self.waiting)[:BATCH]]
        if not batch:
            return 0
        answer = bus.publish(client, batch)
        with self.lock:
            if isinstance(answer, bus.Taken):
                while self.waiting and self.producer == batch[0].producer and self.waiting[0].number <= batch[-1].producer_seq:
                    self.waiting.popleft()
                return len(batch)
            log.warning("Redis has lost this worker's readings (%s); numbering them anew", answer)
            self._begin_anew()
        return 0

    def _record(self, sample: Waiting) -> Record:
        return Record(run_id=self.topic, producer=self.producer, producer_seq=sample.number, at=sample.at, event=sample.event)

    def _give_up_oldest(self) -> None:
        lost = self.waiting.popleft().event.dropped + 1
        oldest = self.waiting[0]
        oldest.event = oldest.event.model_copy(update={"dropped": oldest.event.dropped + lost})
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.producer = f"sampler-{uuid.uuid4().hex[:12]}"
        for number, sample in enumerate(self.waiting, 1):
            sample.number = number
        self.last = len(self.waiting)


class Sampler:
    """`start` and `stop` it. A reading that fails is left out, a second that is missed is not made up for."""

    def __init__(self, worker: str, readings: Readings, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self.worker, self.readings, self.client, self.clock = worker, readings, client, clock
        self.queue = SampleQueue(worker)
        self.newest: Mapping[str, float] = {}
        self.fresh, self.stopping = Event(), Event()
        self.threads = [Thread(target=run, name=run.__name__.strip("_"), daemon=True) for run in (self._read, self._send)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self.fresh.set()
        for thread in self.threads:
            thread.join(5)

    def _read(self) -> None:
        while not self.stopping.wait(until_next(self.clock())):
            try:
                self.take()
            except Exception:
                log.exception("this host could not be read")

    def take(self) -> None:
        at, metrics = self.clock(), self.readings.sample()
        self.newest = metrics
        self.queue.add(at, HostSampled(worker=self.worker, metrics=metrics, gpus=self.readings.gpu_ids))
        self.fresh.set()

    def _send(self) -> None:
        down = False
        while not self.stopping.is_set():
            self.stopping.wait(OUTAGE_SECONDS) if down else self.fresh.wait()
            self.fresh.clear()
            try:
                while self.queue.publish(self.client) and not self.stopping.is_set():
                    down = False
                down = bool(self.queue.waiting)
            except redis.RedisError as error:
                if not down:
                    log.warning("Redis does not take this worker's readings (%s); %d s of them are kept", error, KEPT)
                down = True
            except Exception:
                log.exception("readings could not be sent; trying again")
                down = True


def until_next(now: float) -> float:
    """Seconds until the middle of the next second: by the clock on the wall, since a sample belongs to its second, and without drift.
    One that is about to come is skipped: we are late, or woke a little early."""
    wait = 1.0 - (now - MIDDLE) % 1.0
    return wait if wait > TOO_SOON else wait + 1.0
