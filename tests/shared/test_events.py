import math

import msgpack
import pytest
from pydantic import ValidationError

from shared.events import EVENT, Record, pack, unpack
from shared.packing import MAX_EVENT_BYTES
from shared.training_events import StepCompleted


def record(value: float) -> Record:
    event = StepCompleted(step=7, tokens=700, metrics={"train/loss": value})
    return Record(run_id="run_x", attempt=1, fence=3, producer="attempt-1", producer_seq=9, at=1.5, event=event)


def test_a_record_survives_its_bytes() -> None:
    assert Record(**unpack(record(0.25).pack())) == record(0.25)


def test_a_loss_that_is_not_a_number_survives_too() -> None:
    event = Record(**unpack(record(math.nan).pack())).event
    assert isinstance(event, StepCompleted)
    assert math.isnan(event.metrics["train/loss"])


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", pack([1])[:-1], pack("x") + b"x", b"\xdd\x7f\xff\xff\xff", b"\xdf\x00\x10\x00\x00", b"\xa2\xff\xff"],
    ids=["empty", "reserved", "cut", "tail", "huge array", "huge map", "not utf-8"],
)
def test_bytes_that_are_no_small_value_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not msgpack"):
        unpack(data)


def test_a_value_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(ValueError, match="at most"):
        unpack(msgpack.packb("x" * MAX_EVENT_BYTES))


def test_an_event_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        EVENT.validate_python({"type": "StepCompleted", "step": 1, "tokens": 1, "metrics": {}, "surprise": 1})
