"""The live events in Redis: one stream and one counter per topic, one pub/sub channel for all.

`seq` is the stream entry's own id, so replay from a position is a range read. A producer that wants to be sure that Redis has lost nothing
publishes its last record again: the answer is Taken, or Rewind.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from shared.events import Record
from shared.packing import MAX_EVENT_BYTES

LIVE_CHANNEL: Final = "events:live"
TOPICS: Final = "events:topics"
MAX_TOPIC: Final = 200
WANTED: Final = "events:wanted"
RANGE_BYTES: Final = 1 << 20
"""A range read takes another entry only as long as it has less."""
_COUNTERS: Final = "events:counter:"
_BORN: Final = "events:born"
_AT_ONCE: Final = 1000
_PUBLISH: Final = (Path(__file__).parent / "publish.lua").read_text()
_READ: Final = (Path(__file__).parent / "read.lua").read_text()
_NEWEST: Final = (Path(__file__).parent / "newest.lua").read_text()
_COMMIT: Final = (Path(__file__).parent / "commit.lua").read_text()
_COLLECT: Final = (Path(__file__).parent / "collect.lua").read_text()
_FORGET: Final = (Path(__file__).parent / "forget.lua").read_text()


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
    """Another attempt with a higher fence speaks for this run now. `producer_seq`: the last of this producer's that was taken before."""

    fence: int
    producer_seq: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Range:
    """Part of a topic's stream: `(seq, packed record)` in order. `newest`: the last seq given out; `committed`: the last in the history."""

    epoch: str
    newest: int
    committed: int
    entries: tuple[tuple[int, bytes], ...]


_ANSWERS: Final[dict[bytes, type[Taken] | type[Rewind] | type[Refused]]] = {b"ok": Taken, b"rewind": Rewind, b"stale": Refused}
"""What follows a reply's first word are their fields."""


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
    return f"{_COUNTERS}{topic}"


def publish(
    client: redis.Redis, records: Sequence[Record], *, oldest: int = 1, follows: int | None = None, fenced: bool = True
) -> Taken | Rewind | Refused:
    """Publish consecutive events of one producer on one topic. Safe to repeat: what Redis has is skipped.

    oldest: the first event the producer still has; those before it are not asked for. follows: the one before the first of `records`, if
    those between were lost: they are not asked for either. fenced: false for what an attempt said while it was
    the one to speak, and says once more because somebody asks (`forget`). Raises ValueError for an event that nobody would read, since it
    is too long.
    """
    first = records[0]
    fence = "" if first.fence is None or not fenced else str(first.fence)
    before = first.producer_seq - 1 if follows is None else follows
    packed = [record.pack() for record in records]
    if too_long := next((record for record, data in zip(records, packed, strict=True) if len(data) > MAX_EVENT_BYTES), None):
        raise ValueError(
            f"event {too_long.producer_seq} of {first.producer} on {first.run_id} is too long, at most {MAX_EVENT_BYTES} bytes are read"
        )
    arguments: tuple[Any, ...] = (first.run_id, fence, first.producer, LIVE_CHANNEL, first.producer_seq, oldest, before, *packed)
    reply = cast(Any, client.eval(_PUBLISH, 4, *_keys(first.run_id), *arguments))
    return _ANSWERS[reply[0]](*map(int, reply[1:]))


def wanted(client: redis.Redis) -> str:
    """A word that is new whenever a topic was forgotten; empty where none ever was: whoever keeps events that are no longer on their way
    sends them once more."""
    return cast(bytes, client.get(WANTED) or b"").decode()


def last_of(client: redis.Redis, topic: str, producer: str) -> int:
    """The last event of this producer that was taken; 0 where none is known."""
    return int(cast(bytes, client.hget(counter_key(topic), f"producer:{producer}") or b"0"))


def counted_topics(client: redis.Redis) -> Iterator[str]:
    """All that ever had an event in this Redis, also those that are not live any more, in no order."""
    for key in client.scan_iter(match=f"{_COUNTERS}*", count=1000):
        topic = key.decode(errors="replace").removeprefix(_COUNTERS)
        if key == counter_key(topic).encode():
            yield topic


def commit(client: redis.Redis, topic: str, epoch_id: str, seq: int, *, keep: int) -> bool:
    """Events up to `seq` are in the history: Redis may forget all but the newest `keep` of them. With `keep=0` the topic also leaves
    TOPICS, unless something is unread. False, and nothing done, where the epoch is no longer `epoch_id`."""
    return bool(client.eval(_COMMIT, 4, *_keys(topic), topic, epoch_id, seq, keep))


def forget(client: redis.Redis, topic: str, committed: int) -> bool:
    """The history has lost events of a topic of which `committed` is noted: its producers are asked for all that they still have, also
    those of attempts that are over; nobody can tell when all that is left has come. They come in a new epoch, with the numbers of their
    producers (`producer_seq`), by which the history knows what it has. False, and nothing done, where Redis has noted something else.
    """
    return bool(client.eval(_FORGET, 5, *_keys(topic), WANTED, topic, committed))


def committed(client: redis.Redis, topics: Sequence[str]) -> dict[str, int]:
    """By topic, the last seq that is in the history."""
    return {topic: seq for topic, (_, seq) in noted(client, topics).items()}


def noted(client: redis.Redis, topics: Sequence[str]) -> dict[str, tuple[str, int]]:
    """By topic, the last seq that is in the history and the epoch in which that was noted; empty where an earlier version noted it."""
    pipeline = client.pipeline(transaction=False)
    for topic in topics:
        pipeline.hmget(counter_key(topic), "committed_epoch", "committed")
    return {topic: _note(answer) for topic, answer in zip(topics, pipeline.execute(raise_on_error=False), strict=True)}


def _note(answer: Any) -> tuple[str, int]:
    """Of a key that is not ours there is none."""
    epoch_id, seq = answer if isinstance(answer, list) else (None, None)
    return (epoch_id or b"").decode(), int(seq) if seq and seq.isdigit() else 0


def epoch(client: redis.Redis) -> str:
    """Changes whenever Redis may have lost events: with a restart or failover (the server's run id), with FLUSHALL (its data's birth)."""
    return read_range(client, "", 0, 1).epoch


def read_range(client: redis.Redis, topic: str, after: int, count: int, *, size: int = RANGE_BYTES) -> Range:
    """The first entries behind `after`, and where the topic stands, as of one moment: at most `count`, and none behind the one with which
    `size` bytes are reached; at least one if there is any. In the place of a record that is too long there is none (`b""`).
    """
    reply = cast(Any, client.eval(_READ, 4, *_keys(topic), f"{after + 1}-0", count, size, MAX_EVENT_BYTES))
    return Range(reply[0].decode(), int(reply[1]), int(reply[2]), tuple(_pairs(reply[3])))


def collect(client: redis.Redis, after: Mapping[str, int], *, entries: int, size: int) -> dict[str, list[tuple[int, bytes]] | str]:
    """By topic, the first `(seq, packed record)` behind a seq: at most so many of each, and about `size` bytes in all. In the place of a
    record that is too long there is none. A text says why a topic cannot be read.
    """
    firsts = (f"{seq + 1}-0" for seq in after.values())
    arguments: tuple[Any, ...] = (size, MAX_EVENT_BYTES, entries, *firsts)
    reply = cast(Any, client.eval(_COLLECT, len(after), *map(stream_key, after), *arguments))
    return {topic: _pairs(answer) if isinstance(answer, list) else answer.decode() for topic, answer in zip(after, reply, strict=True)}


def _pairs(flat: list[bytes]) -> list[tuple[int, bytes]]:
    return [(int(entry_id.split(b"-")[0]), record) for entry_id, record in zip(flat[::2], flat[1::2], strict=True)]


def newest(client: redis.Redis, topics: Sequence[str]) -> dict[str, tuple[str, int]]:
    """`(epoch, newest seq)` of each topic, in one round trip per thousand. Topics whose counter is not as we make it are left out."""
    found: dict[str, tuple[str, int]] = {}
    for first in range(0, len(topics), _AT_ONCE):
        some = topics[first : first + _AT_ONCE]
        reply = cast(Any, client.eval(_NEWEST, len(some) + 1, _BORN, *map(counter_key, some)))
        found.update({topic: (reply[0].decode(), int(seq)) for topic, seq in zip(some, reply[1], strict=True) if seq.isdigit()})
    return found


def _keys(topic: str) -> tuple[str, str, str, str]:
    return counter_key(topic), stream_key(topic), TOPICS, _BORN
