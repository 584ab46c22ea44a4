"""One subscription to Redis for all sockets of this process: who wants which topic, and where everybody stands in it.

A subscription joins by reading the stream until it has reached its topic's feed; from then on the feed hands it every event, packed once
for all. A feed that misses an event (its seq has a hole, Redis came back, a periodic look at the stream) reads the missing ones; where they
are gone, or the epoch is another one, its subscriptions join anew and are told `reset`.
"""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Final

import redis

from services.monitor import frames
from services.monitor.feeds import Feed, Step, Subscription, step, unbroken
from services.monitor.outbox import GOING_AWAY, Outbox
from shared import bus

log = logging.getLogger(__name__)

PAGE: Final = 200
"""Entries that are read from a stream at once, or fewer if they are large (bus.RANGE_BYTES)."""
PACED_PAGE: Final = 1000
AUDIT_SECONDS: Final = 2.0
"""So long may the last event of a topic stay unseen where Redis dropped its message."""
REST_SECONDS: Final = 0.02
_READERS: Final = 8


class Hub:
    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.feeds: dict[str, Feed] = {}
        self.outboxes: set[Outbox] = set()
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self._readers = threading.BoundedSemaphore(_READERS)
        self._listener: threading.Thread | None = None
        self._broken: set[str] = set()

    def connect(self, outbox: Outbox) -> None:
        self.outboxes.add(outbox)
        if self.stopping.is_set():
            outbox.close(GOING_AWAY, "the service restarts")
        elif self._listener is None:
            self._listener = threading.Thread(target=self._listen, daemon=True, name="hub")
            self._listener.start()

    def disconnect(self, outbox: Outbox) -> None:
        self.outboxes.discard(outbox)

    def stop(self) -> None:
        """Close every socket."""
        self.stopping.set()
        for outbox in list(self.outboxes):
            outbox.close(GOING_AWAY, "the service restarts")

    def enter(self, subscription: Subscription) -> None:
        with self.lock:
            self.feeds.setdefault(subscription.topic, Feed(subscription.topic)).joining.add(subscription)
        subscription.outbox.join(subscription)

    def leave(self, subscription: Subscription) -> None:
        with self.lock:
            feed = self.feeds[subscription.topic]
            feed.joining.discard(subscription)
            feed.live.discard(subscription)
            if feed.empty:
                del self.feeds[feed.topic]
        subscription.outbox.leave(subscription)

    def pace(self, subscription: Subscription, paced: bool) -> None:
        """From live to digests, or back; either way it goes on from where it stands."""
        with self.lock:
            feed = self.feeds[subscription.topic]
            subscription.paced, subscription.resting = paced, False
            if subscription.live:
                subscription.live = False
                feed.live.discard(subscription)
                feed.joining.add(subscription)
        subscription.outbox.join(subscription)

    # --- joining: called for a socket to which nothing waits to be sent, again and again until the subscription is live ---

    def catch_up(self, subscription: Subscription) -> bool:
        """Put the next part of the stream into the outbox, if it is empty. False where there was nothing to read yet, or the subscription
        has left.

        One read serves all who wait at the same place and have nothing else to send, as thousands do after a restart. Raises
        RedisError; then nothing has changed.
        """
        with self.lock:
            if not self._is_joining(subscription) or subscription.outbox.frames:
                return False
            place, fresh = subscription.place, not subscription.announced
            count = PACED_PAGE if subscription.paced else PAGE
        page = self._read(subscription.topic, place[1], count)
        with self.lock:
            if not self._is_joining(subscription):
                return False
            feed = self.feeds[subscription.topic]
            self._synchronise(feed, page)
            together = [one for one in feed.joining if one.goes_with(subscription, place)]
            manners = {(not one.announced, one.paced) for one in together}
            steps = {manner: step(feed, page, place, manner) for manner in manners}
            for one in together:
                self._go(one, feed, steps[not one.announced, one.paced])
            # Somebody else's page may have brought it on meanwhile.
            return subscription.place != place or subscription.settled or fresh

    def _is_joining(self, subscription: Subscription) -> bool:
        feed = self.feeds.get(subscription.topic)
        return feed is not None and subscription in feed.joining

    def _synchronise(self, feed: Feed, page: bus.Range) -> None:
        """A feed that nobody follows yet may jump."""
        if feed.epoch != page.epoch:
            self._restart(feed, page.epoch, page.newest)
        elif not feed.live:
            feed.seq = max(feed.seq, page.newest)

    def _go(self, subscription: Subscription, feed: Feed, next_: Step) -> None:
        subscription.epoch, subscription.seq, subscription.announced = next_.epoch, next_.seq, True
        if next_.live:
            subscription.outbox.leave(subscription)
            subscription.resting, subscription.live = subscription.paced, not subscription.paced
        if subscription.live:
            feed.live.add(subscription)
            feed.joining.discard(subscription)
        for frame in next_.frames:
            subscription.outbox.put(frame)

    # --- live: called by the listener ---

    def _listen(self) -> None:
        while not self.stopping.is_set():
            try:
                self._follow()
            except redis.RedisError as error:
                log.warning("no live events: %s", error)
                self.stopping.wait(0.5)
            except Exception:
                log.exception("the hub failed and starts again")
                self.stopping.wait(0.5)

    def _follow(self) -> None:
        with self.client.pubsub() as subscription:  # type: ignore[no-untyped-call]
            subscription.subscribe(bus.LIVE_CHANNEL)
            audited = rested = 0.0
            while not self.stopping.is_set():
                message = subscription.get_message(timeout=AUDIT_SECONDS / 2)
                if message and message["type"] == "message":
                    self._deliver(message["data"])
                now = time.monotonic()
                # The client reconnects without a word, but every reconnection confirms its subscription.
                if (message and message["type"] == "subscribe") or now - audited > AUDIT_SECONDS:
                    self._audit()
                    audited = now
                if now - rested > REST_SECONDS:  # messages that have arrived already would be read without a break
                    time.sleep(0)
                    rested = now

    def _deliver(self, message: bytes) -> None:
        try:
            topic, epoch, number, packed = message.split(b" ", 3)
            feed, seq = self.feeds.get(topic.decode()), int(number)
            epoch_id = epoch.decode()
        except ValueError:
            log.warning("a message of the live channel is none of ours: %.100r", message)
            return
        if feed is None:
            return
        with self.lock:
            if feed.epoch != epoch_id:
                self._restart(feed, epoch_id, seq)
            elif not feed.live:
                feed.seq = max(feed.seq, seq)
            elif seq == feed.seq + 1:
                self._broadcast(feed, [(seq, packed)])
            missed = seq > feed.seq
        if missed:
            self._fill(feed)

    def _audit(self) -> None:
        """One question for all feeds; those that missed something are filled."""
        with self.lock:
            followed = [feed.topic for feed in self.feeds.values() if feed.live]
        found = bus.newest(self.client, followed)
        self._tell_of_broken(set(followed) - found.keys())
        for topic, (epoch, seq) in found.items():
            feed = self.feeds.get(topic)
            if feed is not None and feed.live and (feed.epoch != epoch or feed.seq < seq):
                self._fill(feed)

    def _fill(self, feed: Feed) -> None:
        """Hand out what the stream has behind the feed's position; where that is much or not all of it, let the subscriptions join anew."""
        try:
            page = self._read(feed.topic, feed.seq)
        except (redis.ResponseError, ValueError) as error:  # of this topic's keys; the others go on, and the next look asks again
            log.error("topic %r has no live events: %s", feed.topic, error)
            return
        with self.lock:
            entries = unbroken(feed.seq, page)
            if page.epoch != feed.epoch or entries is None or feed.seq + len(entries) < page.newest:
                self._restart(feed, page.epoch, page.newest)
            elif entries:
                self._broadcast(feed, entries)

    def _tell_of_broken(self, topics: set[str]) -> None:
        """Of each once."""
        for topic in sorted(topics - self._broken):
            log.error("topic %r has no live events: its counter in Redis is not as we make it", topic)
        self._broken = topics

    def _broadcast(self, feed: Feed, entries: Sequence[tuple[int, bytes]]) -> None:
        feed.seq += len(entries)
        packed = frames.events(feed.topic, feed.epoch, entries)
        for subscription in feed.live:
            subscription.seq = feed.seq
            for frame in packed:
                subscription.outbox.offer(frame)

    def _restart(self, feed: Feed, epoch: str, seq: int) -> None:
        feed.epoch, feed.seq = epoch, seq
        restarted = list(feed.live)
        feed.joining |= feed.live
        feed.live.clear()
        for subscription in restarted:
            subscription.live = False
            subscription.outbox.join(subscription)

    def _read(self, topic: str, after: int, count: int = PAGE) -> bus.Range:
        with self._readers:
            return bus.read_range(self.client, topic, after, count)
