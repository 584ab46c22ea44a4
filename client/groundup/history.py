"""What a run did: metric points, events, logs, samples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from groundup.exporting import whole_file
from groundup.records import read
from groundup.transport import Transport

_LOG_LINES: Final = 1000
"""A page."""
_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Series:
    """One metric of one attempt; every list has an entry per bucket. `x`: the bucket's first point."""

    name: str
    attempt: int | None
    x: list[float]
    min: list[float | None]
    max: list[float | None]
    mean: list[float | None]
    last: list[float | None]
    count: list[int]
    nan: list[int]


@dataclass(frozen=True)
class Event:
    """An envelope; `(epoch, seq)` is its place among the run's events. `event` has a `type` and that type's fields."""

    run_id: str
    producer: str
    producer_seq: int
    at: float
    event: dict[str, Any]
    attempt: int | None = None
    fence: int | None = None
    epoch: str = ""
    seq: int = 0


@dataclass(frozen=True)
class LogLine:
    rank: int
    line: int
    text: str
    attempt: int | None = None
    at: float | str | None = None
    error: bool = False


@dataclass(frozen=True)
class Sample:
    step: int
    prompt: str
    text: str
    at: float | str | None = None
    attempt: int | None = None


class History:
    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def metrics(
        self,
        run_id: str,
        names: Sequence[str] = (),
        *,
        x: str = "step",
        start: float | None = None,
        end: float | None = None,
        buckets: int = 500,
        attempts: str = "latest",
    ) -> list[Series]:
        """Series of the named metrics, or of all. x: step, tokens or time; start, end: on that axis; attempts: latest or all."""
        params = {"names": ",".join(names) or None, "x": x, "from": start, "to": end, "buckets": buckets, "attempts": attempts}
        answer = self.transport.get(f"/api/v1/runs/{run_id}/metrics", params)
        return [read(Series, item) for item in answer["series"]]

    def export(
        self, run_id: str, format: str, path: Path, *, names: Sequence[str] = (), attempts: str = "latest", force: bool = False
    ) -> int:
        """Write every point of the named metrics, or of all, to a new file; how many bytes. format: csv, jsonl, parquet or tensorboard (a
        zip of event files); attempts: latest or all. `force` replaces a file. Raises Unreachable where it broke off; then nothing is left.
        """
        with whole_file(path, force=force) as file:
            return sum(file.write(chunk) for chunk in self.export_stream(run_id, format, names=names, attempts=attempts))

    def export_stream(self, run_id: str, format: str, *, names: Sequence[str] = (), attempts: str = "latest") -> Iterator[bytes]:
        """The same as it comes."""
        params = {"format": format, "names": ",".join(names) or None, "attempts": attempts}
        with self.transport.download(f"/api/v1/runs/{run_id}/metrics/export", params) as response:
            yield from response.iter_bytes(_CHUNK)

    def events(self, run_id: str, *, type: str | None = None) -> Iterator[Event]:
        return (read(Event, item) for item in self.transport.items(f"/api/v1/runs/{run_id}/events", {"type": type}))

    def event_page(self, run_id: str, *, type: str | None = None, cursor: str | None = None) -> tuple[list[Event], str | None]:
        """One page and the cursor of the next one; to keep up with a run, ask again with the last cursor that was not None."""
        page: Any = self.transport.get(f"/api/v1/runs/{run_id}/events", {"type": type, "cursor": cursor, "limit": 200})
        return [read(Event, item) for item in page["items"]], page.get("next_cursor")

    def logs(
        self,
        run_id: str,
        *,
        rank: int | None = None,
        from_line: int | None = None,
        find: str | None = None,
        errors: bool = False,
        newest: bool = False,
        before: int | None = None,
    ) -> Iterator[LogLine]:
        """Lines in the order in which they came, or `newest` first; each page is asked for when it is needed.

        from_line: none before it; find: with this text, in upper or lower case; errors: that tell an error;
        before: of the newest, only those before this line. `next(...)` is the first one.
        """
        order = {"order": "newest", "cursor": before} if newest else {}
        params = _log_question(rank, from_line, find, errors) | order | {"limit": _LOG_LINES}
        return (read(LogLine, item) for item in self.transport.items(f"/api/v1/runs/{run_id}/logs", params))

    def log_page(
        self, run_id: str, from_line: int = 0, *, rank: int | None = None, find: str | None = None, errors: bool = False
    ) -> tuple[list[LogLine], int, bool]:
        """Lines from one on, where to go on, and whether there are more already; to keep up with a run, ask again from there."""
        params = _log_question(rank, from_line, find, errors) | {"limit": _LOG_LINES}
        page: Any = self.transport.get(f"/api/v1/runs/{run_id}/logs", params)
        return [read(LogLine, item) for item in page["items"]], int(page["next_line"]), page["next_cursor"] is not None

    def samples(self, run_id: str) -> Iterator[Sample]:
        return (read(Sample, item) for item in self.transport.items(f"/api/v1/runs/{run_id}/samples"))


def _log_question(rank: int | None, from_line: int | None, find: str | None, errors: bool) -> dict[str, Any]:
    return {"rank": rank, "from_line": from_line, "q": find or None, "errors": "true" if errors else None}
