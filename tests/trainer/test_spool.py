import resource
from pathlib import Path

import pytest

from services.trainer.spool import SpoolWriter, read_spool
from shared.training_events import LogWritten


def test_without_room_nothing_half_written_stays_and_no_number_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    spool = SpoolWriter(path, run_id="run_a", attempt=1, fence=1, producer="p")
    spool.emit(LogWritten(rank=0, lines=["first"]))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))  # a full disk, in small
    try:
        with pytest.raises(OSError, match="no room"):
            spool.emit(LogWritten(rank=0, lines=["there is no room for this"]))
        spool_size = path.stat().st_size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    spool.emit(LogWritten(rank=0, lines=["second"]))
    spool.close()
    records, end = read_spool(path, 0)
    assert [(record.producer_seq, record.event) for record in records] == [
        (1, LogWritten(rank=0, lines=["first"])),
        (2, LogWritten(rank=0, lines=["second"])),
    ]
    assert spool_size < end == path.stat().st_size


def test_a_torn_record_is_cut_off_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    for text in ("first", "second"):
        spool = SpoolWriter(path, run_id="run_a", attempt=1, fence=1, producer="p")
        spool.emit(LogWritten(rank=0, lines=[text]))
        spool.close()
        with path.open("ab") as file:
            file.write(b"\x99\x00\x00\x00torn")
    records, _ = read_spool(path, 0)
    assert [record.producer_seq for record in records] == [1, 2]
