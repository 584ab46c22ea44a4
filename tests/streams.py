"""What lies in Redis, as its readers take it."""

from shared.events import Envelope, unpack


def read_entry(entry_id: bytes, fields: dict[bytes, bytes], epoch_id: str) -> Envelope:
    """One entry of a topic's stream."""
    return Envelope(**unpack(fields[b"r"]), epoch=epoch_id, seq=int(entry_id.split(b"-")[0]))


def read_live(message: bytes) -> Envelope:
    """One message of the live channel."""
    _topic, epoch_id, seq, record = message.split(b" ", 3)
    return Envelope(**unpack(record), epoch=epoch_id.decode(), seq=int(seq))
