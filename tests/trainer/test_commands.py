import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.trainer.commands import Commands
from services.trainer.rundir import Order
from services.trainer.steering import Interrupt
from services.trainer.world import World

STOP = Order(command_id="c1", type="stop")


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    before = signal.getsignal(signal.SIGTERM)
    made = Commands(tmp_path / "commands.jsonl", World())
    made.listen()
    yield made
    signal.signal(signal.SIGTERM, before)


def append(commands: Commands, text: str) -> None:
    with commands.path.open("a") as file:
        file.write(text)


def test_each_order_once(commands: Commands) -> None:
    assert commands() == []
    append(commands, STOP.model_dump_json() + "\n")
    assert commands() == [STOP]
    assert commands() == []
    append(commands, STOP.model_dump_json() + "\n" + '{"command_id": "c2", "type": "stop"}\n')
    assert commands() == [STOP, Order(command_id="c2", type="stop")]


def test_half_a_line_waits(commands: Commands) -> None:
    line = STOP.model_dump_json() + "\n"
    append(commands, line[:10])
    assert commands() == []
    append(commands, line[10:])
    assert commands() == [STOP]


def test_what_cannot_be_read_is_left_out_and_logged(commands: Commands, caplog: pytest.LogCaptureFixture) -> None:
    append(commands, '{"command_id": "c0", "type": "dance"}\nrubbish\n' + STOP.model_dump_json() + "\n")
    assert commands() == [STOP]
    assert "dance" in caplog.text
    assert "rubbish" in caplog.text


def test_sigterm_is_an_interrupt(commands: Commands) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    assert commands() == [Interrupt()]
