"""What the history has of a topic, asked of the monitor over HTTP: every point with its value, every line, every other event."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from shared.names import CLUSTER_TOPIC

Place = tuple[str, int]
"""Of a producer: its name, its number."""
Taken = tuple[int, int]
"""A step: attempt, number."""
Point = tuple[int, int, str]
"""Step, tokens, value: all 64 bits of it, as float.hex writes them."""


@dataclass
class Kept:
    """`points`: of each attempt and name, in order. `shown`: the same of the run as its charts show it, where a later attempt counts.
    `lines`: by attempt and rank, in order. `line_numbers`: of all of them. `events`: all others, in order."""

    points: dict[tuple[int, str], list[Point]] = field(default_factory=lambda: defaultdict(list))
    shown: dict[tuple[int, str], list[Point]] = field(default_factory=lambda: defaultdict(list))
    lines: dict[tuple[int, int], list[str]] = field(default_factory=lambda: defaultdict(list))
    line_numbers: list[int] = field(default_factory=list)
    events: list[Place] = field(default_factory=list)

    @property
    def steps(self) -> Counter[Taken]:
        """How often each is there."""
        return Counter((attempt, step) for (attempt, name), points in self.points.items() if name == "train/loss" for step, *_ in points)

    @property
    def attempts(self) -> set[int]:
        """Those that it has points or lines of."""
        return {attempt for attempt, _ in (*self.points, *self.lines)}


def read_kept(monitor: httpx.Client, topic: str) -> Kept:
    kept = Kept()
    kept.events += [(item["producer"], item["producer_seq"]) for item in _pages(monitor, f"/api/v1/runs/{topic}/events", 100)]
    if topic == CLUSTER_TOPIC:
        return kept
    for points, attempts in ((kept.points, "all"), (kept.shown, "latest")):
        for attempt, name, point in _points(monitor, topic, attempts):
            points[attempt, name].append(point)
    for item in _pages(monitor, f"/api/v1/runs/{topic}/logs", 1000):
        kept.lines[item["attempt"], item["rank"]].append(item["text"])
        kept.line_numbers.append(item["line"])
    return kept


def _points(monitor: httpx.Client, topic: str, attempts: str) -> Iterator[tuple[int, str, Point]]:
    answer = monitor.get(f"/api/v1/runs/{topic}/metrics/export", params={"format": "jsonl", "attempts": attempts})
    if answer.status_code == httpx.codes.NOT_FOUND:  # no point of it yet, or any more
        return
    for line in answer.raise_for_status().text.splitlines():
        row = json.loads(line)
        yield row["attempt"], row["name"], (row["step"], row["tokens"], float(row["value"]).hex())


def _pages(monitor: httpx.Client, path: str, limit: int) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        answer = monitor.get(path, params={"limit": limit, **({"cursor": cursor} if cursor else {})}).raise_for_status().json()
        yield from answer["items"]
        if (cursor := answer["next_cursor"]) is None:
            return
