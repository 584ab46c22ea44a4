"""The WebSocket's frames (docs/events.md): binary messages of msgpack. What goes out is packed once for all clients, header included."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.monitor.wire import framed
from shared.events import pack, unpack

log = logging.getLogger(__name__)

CONFLATED: Final = frozenset({"StepCompleted", "LogWritten", "HostSampled"})
"""Events that follow each other by the thousand and change no state: of these a digest holds the last one of each attempt."""
FRAME_BYTES: Final = 1 << 20
"""A frame of events takes another one only as long as it stays below."""


class ClientFrame(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Subscribe(ClientFrame):
    type: Literal["subscribe"]
    topic: str = Field(min_length=1, max_length=200)
    epoch: str | None = Field(None, max_length=100)
    since: int = Field(0, ge=0, lt=1 << 63)


class Unsubscribe(ClientFrame):
    type: Literal["unsubscribe"]
    topic: str = Field(max_length=200)


class Ping(ClientFrame):
    type: Literal["ping"]
    id: int | str = Field(0, union_mode="left_to_right")


class Pace(ClientFrame):
    """Nobody looks: at most one frame of each topic in `every` seconds, a digest of what happened. 0: everything at once again."""

    type: Literal["pace"]
    every: float = Field(ge=0, le=300)


class AskTicket(ClientFrame):
    """For a ticket to come back with."""

    type: Literal["ticket"]


AnyClientFrame = Annotated[Subscribe | Unsubscribe | Ping | Pace | AskTicket, Field(discriminator="type")]
_FRAME: Final[TypeAdapter[AnyClientFrame]] = TypeAdapter(AnyClientFrame)


def read_frame(message: bytes | str) -> AnyClientFrame:
    """Raises ValueError, saying what is wrong."""
    if isinstance(message, str):
        raise ValueError("frames are binary: one msgpack map each")
    try:
        return _FRAME.validate_python(unpack(message))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'frame'}: {first['msg']}") from None


def subscribed(topic: str, epoch: str, seq: int) -> bytes:
    return framed(pack({"type": "subscribed", "topic": topic, "epoch": epoch, "seq": seq}))


def reset(topic: str, epoch: str, seq: int) -> bytes:
    return framed(pack({"type": "reset", "topic": topic, "epoch": epoch, "seq": seq}))


def pong(ping_id: int | str, positions: Mapping[str, tuple[str, int]]) -> bytes:
    """`positions`: of the last event that was sent before this frame, by topic."""
    return framed(pack({"type": "pong", "id": ping_id, "positions": positions}))


def ticket(text: str) -> bytes:
    return framed(pack({"type": "ticket", "ticket": text}))


def error(code: str, detail: str, topic: str | None = None) -> bytes:
    """`topic`: the one that is not followed; None where it is about something else."""
    named = {} if topic is None else {"topic": topic}
    return framed(pack({"type": "error", "code": code, "detail": detail, **named}))


def events(topic: str, epoch: str, entries: Iterable[tuple[int, bytes]]) -> list[bytes]:
    """Frames of `(seq, packed record)`. A record that cannot be read becomes a reset, so that nobody takes its place for a lost event."""
    frames: list[bytes] = []
    items: list[dict[str, Any]] = []
    size = 0
    for seq, packed in entries:
        size += len(packed)
        if size > FRAME_BYTES:
            frames += _events(topic, epoch, items)
            items, size = [], len(packed)
        try:
            items.append({**unpack(packed), "epoch": epoch, "seq": seq})
        except (TypeError, ValueError) as unreadable:
            log.warning("event %s of topic %s cannot be read: %s", seq, topic, unreadable)
            frames += [*_events(topic, epoch, items), reset(topic, epoch, seq)]
            items, size = [], 0
    return frames + _events(topic, epoch, items)


def _events(topic: str, epoch: str, items: list[dict[str, Any]]) -> list[bytes]:
    return [framed(pack({"type": "events", "topic": topic, "epoch": epoch, "items": items}))] if items else []


def digest(topic: str, epoch: str, since: int, entries: Sequence[tuple[int, bytes]]) -> list[bytes]:
    """One frame for all entries behind `since`: every event but those of CONFLATED, of which it has the last ones and the numbers left out.

    Where that is too much for a frame or holds what cannot be read, all of it as events.
    """
    kept: dict[object, dict[str, Any]] = {}
    left_out: Counter[str] = Counter()
    try:
        for seq, packed in entries:
            item = {**unpack(packed), "epoch": epoch, "seq": seq}
            kind = item["event"]["type"]
            key = (kind, item.get("attempt")) if kind in CONFLATED else seq
            left_out[kind] += kept.pop(key, None) is not None
            kept[key] = item
    except (TypeError, ValueError, KeyError):
        return events(topic, epoch, entries)
    last = entries[-1][0] if entries else since
    told = {"since": since, "seq": last, "left_out": +left_out, "items": list(kept.values())}
    frame = framed(pack({"type": "digest", "topic": topic, "epoch": epoch, **told}))
    if not entries:
        return []
    return [frame] if len(frame) <= FRAME_BYTES else events(topic, epoch, entries)
