"""The live events in Redis: one stream and one counter per topic, one pub/sub channel for all.

`seq` is the stream entry's own id, so replay from a position is a range read. A producer that wants to be sure that Redis has lost nothing
publishes its last record again: the answer is Taken, or Rewind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from shared.events import Envelope, Record, unpack

LIVE_CHANNEL: Final = "events:live"
TOPICS: Final = "events:topics"
_BORN: Final = "events:born"
_AT_ONCE: Final = 1000
_PUBLISH: Final = (Path(__file__).parent / "publish.lua").read_text()
_READ: Final = (Path(__file__).parent / "read.lua").read_text()
_NEWEST: Final = (Path(__file__).parent / "newest.lua").read_text()
_COMMIT: Final = (Path(__file__).parent / "commit.lua").read_text()


@dataclass(frozen=True)
class Taken:
    """The batch is in; `producer_seq` is the last one taken."""

    producer_seq: int


@dataclass(frozen=True)
class Rewind:
    """Redis has lost events: send again from `producer_seq`."""

    producer_seq: int


@dataclass(frozen=True)
class Refused:
    """Another attempt with a higher fence speaks for this run now."""

    fence: int


@dataclass(frozen=True)
class Range:
    """Part of a topic's stream: `(seq, packed record)` in order. `newest`: the last seq given out; `committed`: the last in the history."""

    epoch: str
    newest: int
    committed: int
    entries: tuple[tuple[int, bytes], ...]


_ANSWERS: Final[dict[bytes, type[Taken] | type[Rewind] | type[Refused]]] = {b"ok": Taken, b"rewind": Rewind, b"stale": Refused}


def connect(url: str, *, blocking_seconds: float = 0, connections: int | None = None) -> redis.Redis:
    """A client with explicit time-outs. `blocking_seconds`: the longest blocking read it is for (redis-py's own limit is 5 s).

    connections: the most it may open; who wants another one waits. Without it thousands of callers at once open thousands.
    """
    options: dict[str, Any] = {
        "protocol": 2,
        "socket_timeout": blocking_seconds + 5,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 15,
        "retry": Retry(ExponentialBackoff(cap=1, base=0.05), retries=2),
    }
    if connections is None:
        return redis.Redis.from_url(url, **options)
    pool = redis.BlockingConnectionPool.from_url(url, max_connections=connections, timeout=blocking_seconds + 5, **options)
    return redis.Redis.from_pool(pool)


def stream_key(topic: str) -> str:
    return f"events:stream:{topic}"


def counter_key(topic: str) -> str:
    return f"events:counter:{topic}"


def publish(client: redis.Redis, records: Sequence[Record]) -> Taken | Rewind | Refused:
    """Publish consecutive events of one producer on one topic. Safe to repeat: what Redis has is skipped."""
    first = records[0]
    fence = "" if first.fence is None else str(first.fence)
    packed = [record.pack() for record in records]
    arguments: tuple[Any, ...] = (first.run_id, fence, first.producer, LIVE_CHANNEL, first.producer_seq, *packed)
    reply = cast(Any, client.eval(_PUBLISH, 4, *_keys(first.run_id), *arguments))
    return _ANSWERS[reply[0]](int(reply[1]))


def commit(client: redis.Redis, topic: str, epoch_id: str, seq: int, *, keep: int) -> bool:
    """Events up to `seq` are in the history: Redis may forget all but the newest `keep` of them. With `keep=0` the topic also leaves
    TOPICS, unless something is unread. False, and nothing done, where the epoch is no longer `epoch_id`."""
    return bool(client.eval(_COMMIT, 4, *_keys(topic), topic, epoch_id, seq, keep))


def epoch(client: redis.Redis) -> str:
    """Changes whenever Redis may have lost events: with a restart or failover (the server's run id), with FLUSHALL (its data's birth)."""
    return read_range(client, "", 0, 1).epoch


def read_range(client: redis.Redis, topic: str, after: int, count: int) -> Range:
    """The first `count` entries behind `after`, and where the topic stands, as of one moment."""
    reply = cast(Any, client.eval(_READ, 4, *_keys(topic), f"{after + 1}-0", count))
    entries = tuple((int(entry_id.split(b"-")[0]), fields[1]) for entry_id, fields in reply[3])
    return Range(reply[0].decode(), int(reply[1]), int(reply[2]), entries)


def newest(client: redis.Redis, topics: Sequence[str]) -> dict[str, tuple[str, int]]:
    """`(epoch, newest seq)` of each topic, in one round trip per thousand."""
    found: dict[str, tuple[str, int]] = {}
    for first in range(0, len(topics), _AT_ONCE):
        some = topics[first : first + _AT_ONCE]
        reply = cast(Any, client.eval(_NEWEST, len(some) + 1, _BORN, *map(counter_key, some)))
        found.update({topic: (reply[0].decode(), int(seq)) for topic, seq in zip(some, reply[1], strict=True)})
    return found


def _keys(topic: str) -> tuple[str, str, str, str]:
    return counter_key(topic), stream_key(topic), TOPICS, _BORN


def read_live(message: bytes) -> Envelope:
    """One message of the live channel."""
    _topic, epoch_id, seq, record = message.split(b" ", 3)
    return Envelope(**unpack(record), epoch=epoch_id.decode(), seq=int(seq))


def read_entry(entry_id: bytes, fields: dict[bytes, bytes], epoch_id: str) -> Envelope:
    """One entry of a topic's stream."""
    return Envelope(**unpack(fields[b"r"]), epoch=epoch_id, seq=int(entry_id.split(b"-")[0]))
