"""One spool on its way to Redis: every event once and in order, however often Redis goes away."""

import bisect
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final

import redis

from services.trainer.gaps import lost_between
from services.trainer.pruning import Pruning
from services.trainer.records import Damaged, consecutive
from services.trainer.rundir import write_whole
from services.trainer.spool import read_sound, read_spool, segments
from services.trainer.unread import LastSent
from shared import bus
from shared.events import Record

log = logging.getLogger(__name__)
REFUSED: Final = ".refused"
BATCH_BYTES: Final = 128 << 10
CHECK_SECONDS: Final = 5.0
PRUNE_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Mark:
    """Of a batch: the producer_seq of its first record and of the one before, and its offset."""

    first: int
    before: int | None
    offset: int


class Tail:
    """One spool on its way. Its place is kept in memory only: after a restart all is sent again, and Redis skips what it has.

    pruning: keeps its room. again: it was sent before, and is once more because somebody asks for it; then no fence can refuse it, and what
    a fence did refuse is left out.
    """

    def __init__(self, spool: Path, on_refused: Callable[[], None], *, pruning: Pruning | None = None, again: bool = False) -> None:
        self.spool, self.on_refused, self.pruning, self.again = spool, on_refused, pruning, again
        self.last_taken = _last_taken(spool) if again else None
        self.offset = 0
        self.oldest = 1
        self.before: int | None = 0  # producer_seq of the record before `offset`, None where nobody knows
        self.marks: list[Mark] = []  # about one per BATCH_BYTES
        self.damages = set[int]()
        self.last: Record | None = None
        self.sent: LastSent | None = None
        self.checked = self.pruned = time.monotonic()
        self.closing = self.failing = False
        self.shipped = Event()

    def close(self) -> None:
        """Its producer has ended; `shipped` is set when all is sent, refused or beyond repair."""
        self.closing = True

    def ship(self, client: redis.Redis) -> int:
        """Send one batch; how many records went. Raises redis.RedisError with nothing lost."""
        ending = self.closing  # read before the file, or its last record could slip between
        if self.shipped.is_set():
            return 0
        records, end = self._read()
        if not records:
            if ending or time.monotonic() > self.checked + CHECK_SECONDS:
                self._check(client, ending)
            return 0
        self._mark(records[0].producer_seq)
        if not self._publish(client, records, self.before):
            return 0
        self.offset, self.last, self.checked = end, records[-1], time.monotonic()
        self.before = self.last.producer_seq
        self._prune(client)
        return len(records)

    def _prune(self, client: redis.Redis) -> None:
        now = time.monotonic()
        if self.pruning and self.last and now > self.pruned + PRUNE_SECONDS:
            self.pruned = now
            last = self.last
            while self.pruning.look(client, last.run_id, self.offset, lambda: self._publish(client, [last])):
                first = segments(self.spool)[0][0]
                self.marks = [mark for mark in self.marks if mark.offset >= first]

    def waiting_bytes(self) -> int:
        """What of the spool is still to be sent."""
        try:
            there = [begin + file.stat().st_size for begin, file in segments(self.spool)]
            return 0 if self.shipped.is_set() or not there else max(0, there[-1] - self.offset)
        except OSError:  # not there yet, or not any more
            return 0

    def _check(self, client: redis.Redis, ending: bool) -> None:
        """Nothing new: ask by way of the last record whether Redis still has what it took. It may have been restarted meanwhile."""
        self.checked = time.monotonic()
        if self.last is None or self._publish(client, [self.last]):
            self.shipped.set() if ending else self._prune(client)

    def _publish(self, client: redis.Redis, records: list[Record], before: int | None = None) -> bool:
        """Whether Redis has them all. before: the event before them, where those between were lost."""
        first = records[0].producer_seq
        follows = first - 1 if before is None else min(before, first - 1)
        match bus.publish(client, records, oldest=self.oldest, follows=follows, fenced=not self.again):
            case bus.Taken():
                self._note_sent(records[-1], records[-1].producer_seq)
                return True
            case bus.Rewind(producer_seq=wanted):
                self._rewind(wanted)
            case bus.Refused(fence=fence, producer_seq=taken):
                log.warning("%s: refused behind event %d, fence %d speaks for this run now", self.spool, taken, fence)
                self._note_sent(records[-1], taken)
                _note_taken(self.spool, max(taken, self.last.producer_seq if self.last else 0))
                self.shipped.set()
                self.on_refused()
        return False

    def _note_sent(self, record: Record, producer_seq: int) -> None:
        if producer_seq and (self.sent is None or producer_seq > self.sent.producer_seq):
            self.sent = LastSent(topic=record.run_id, producer=record.producer, producer_seq=producer_seq)

    def _read(self) -> tuple[list[Record], int]:
        """Consecutive records and the place behind them. What is missing before them is told by one more, whose number is one of theirs."""
        found = segments(self.spool)
        base = found[0][0] if found else 0
        if self.offset <= base:
            self.before = None if base else 0
        begin = self.offset
        try:
            records, end = read_spool(self.spool, begin, BATCH_BYTES)
        except Damaged as damage:
            records, end = damage.before, damage.place
            if not records:
                begin = self._pass_over(damage)
                records, end = read_sound(self.spool, begin, BATCH_BYTES)
        records, end = consecutive(records, end, max(begin, base))
        if records and self.before is not None and records[0].producer_seq > self.before + 1:
            records = [lost_between(self.before, records[0]), *records]
        if self.last_taken is not None:
            records = [record for record in records if record.producer_seq <= self.last_taken]
        if records and self.offset <= base:
            self.oldest = records[0].producer_seq
        return records, end

    def _pass_over(self, damage: Damaged) -> int:
        if damage.place not in self.damages:
            log.error("%s; it goes on with what can be read from byte %d on", damage, damage.sound)
        self.damages.add(damage.place)
        return damage.sound

    def _mark(self, producer_seq: int) -> None:
        if not self.marks or self.offset >= self.marks[-1].offset + BATCH_BYTES:
            self.marks.append(Mark(producer_seq, self.before, self.offset))

    def _rewind(self, wanted: int) -> None:
        place = bisect.bisect_right(self.marks, wanted, key=lambda mark: mark.first) - 1
        if place < 0 and self.offset > 0:  # from the oldest that there is
            self.offset, self.marks = 0, []
            return
        if place < 0 or self.marks[place].offset == self.offset:
            log.error("%s: Redis asks for event %d, which the spool does not have", self.spool, wanted)
            self.shipped.set()
            return
        log.warning("%s: Redis has lost events; sending again from %d", self.spool, wanted)
        self.offset, self.before = self.marks[place].offset, self.marks[place].before
        del self.marks[place + 1 :]


def _note_taken(spool: Path, producer_seq: int) -> None:
    """What it said behind this event was refused, and is not to be said again. The first refusal knows best."""
    note = spool.with_name(f"{spool.name}{REFUSED}")
    if not note.exists():
        write_whole(note, str(producer_seq))


def _last_taken(spool: Path) -> int | None:
    """None where it was never refused."""
    note = spool.with_name(f"{spool.name}{REFUSED}")
    return int(note.read_text()) if note.exists() else None
