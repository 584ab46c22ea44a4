"""The live events in Redis: one stream and one counter per topic, one pub/sub channel for all.

`seq` is the stream entry's own id, so replay from a position is a range read. The epoch is the Redis server's run id.
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
_SCRIPT: Final = (Path(__file__).parent / "publish.lua").read_text()


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


_ANSWERS: Final[dict[bytes, type[Taken] | type[Rewind] | type[Refused]]] = {b"ok": Taken, b"rewind": Rewind, b"stale": Refused}


def connect(url: str, *, blocking_seconds: float = 0) -> redis.Redis:
    """A client with explicit time-outs. `blocking_seconds`: the longest blocking read it is for (redis-py's own limit is 5 s)."""
    return redis.Redis.from_url(
        url,
        protocol=2,
        socket_timeout=blocking_seconds + 5,
        socket_connect_timeout=5,
        socket_keepalive=True,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=1, base=0.05), retries=2),
    )


def stream_key(topic: str) -> str:
    return f"events:stream:{topic}"


def counter_key(topic: str) -> str:
    return f"events:counter:{topic}"


def publish(client: redis.Redis, records: Sequence[Record]) -> Taken | Rewind | Refused:
    """Publish consecutive events of one producer on one topic. Safe to repeat: what Redis has is skipped."""
    first = records[0]
    keys = (counter_key(first.run_id), stream_key(first.run_id), TOPICS)
    fence = "" if first.fence is None else str(first.fence)
    packed = [record.pack() for record in records]
    reply = cast(Any, client.eval(_SCRIPT, 3, *keys, first.run_id, fence, first.producer, LIVE_CHANNEL, first.producer_seq, *packed))
    return _ANSWERS[reply[0]](int(reply[1]))


def epoch(client: redis.Redis) -> str:
    return str(cast(Any, client.info("server"))["run_id"])


def read_live(message: bytes) -> Envelope:
    """One message of the live channel."""
    _topic, epoch_id, seq, record = message.split(b" ", 3)
    return Envelope(**unpack(record), epoch=epoch_id.decode(), seq=int(seq))


def read_entry(entry_id: bytes, fields: dict[bytes, bytes], epoch_id: str) -> Envelope:
    """One entry of a topic's stream."""
    return Envelope(**unpack(fields[b"r"]), epoch=epoch_id, seq=int(entry_id.split(b"-")[0]))
