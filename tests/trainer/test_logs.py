from pathlib import Path

import pytest

from services.trainer.logs import EVENT_BYTES, LINE_BYTES, LogTail


def read(tail: LogTail, *, ended: bool = False) -> list[str]:
    return [line for event in tail.read(ended=ended) for line in event.lines]


@pytest.fixture
def tail(tmp_path: Path) -> LogTail:
    return LogTail(tmp_path)


def test_whole_lines_only_until_the_end(tmp_path: Path, tail: LogTail) -> None:
    log = tmp_path / "rank0.log"
    log.write_text("one\n\ntwo\nthr")
    assert read(tail) == ["one", "", "two"]
    assert read(tail) == []
    log.write_text("one\n\ntwo\nthree\n\nfour")
    assert read(tail) == ["three", ""]
    assert read(tail, ended=True) == ["four"]
    assert read(tail, ended=True) == []


def test_each_rank_speaks_for_itself(tmp_path: Path, tail: LogTail) -> None:
    (tmp_path / "rank0.log").write_text("zero\n")
    (tmp_path / "rank11.log").write_text("eleven\n")
    (tmp_path / "launcher.log").write_text("nobody\n")
    assert {event.rank: event.lines for event in tail.read()} == {0: ["zero"], 11: ["eleven"]}


def test_much_text_comes_in_several_events_and_complete(tmp_path: Path, tail: LogTail) -> None:
    lines = [f"line {number} " + "x" * 80 for number in range(3000)]
    (tmp_path / "rank0.log").write_text("\n".join(lines) + "\n")
    events = list(tail.read())
    assert len(events) > 1
    assert max(sum(len(line) + 1 for line in event.lines) for event in events) <= EVENT_BYTES
    assert [line for event in events for line in event.lines] == lines


def test_long_lines_are_cut_and_bad_bytes_replaced(tmp_path: Path, tail: LogTail) -> None:
    (tmp_path / "rank0.log").write_bytes(b"y" * (LINE_BYTES + 5) + b"\n\xff\xfe caf\xc3\xa9\n")
    long, bad = read(tail)
    assert long == "y" * LINE_BYTES + " [...]"
    assert bad == "\ufffd\ufffd café"


def test_a_line_without_end_does_not_stop_the_tail(tmp_path: Path, tail: LogTail) -> None:
    (tmp_path / "rank0.log").write_bytes(b"z" * (EVENT_BYTES + 10) + b"\nafter\n")
    assert read(tail)[-1] == "after"


def test_of_a_progress_bar_the_last_state_counts(tmp_path: Path, tail: LogTail) -> None:
    (tmp_path / "rank0.log").write_bytes(b"10%\r50%\r100%\r\n")
    assert read(tail) == ["100%"]
