"""The figures of a bench: told as they come, kept as a table in docs/benchmarks/, judged in the end."""

import os
import platform
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.stack import ROOT


@dataclass(frozen=True)
class Figure:
    """most, least: the limit it is held to; None: only told. peer: the same thing done plainly, measured in the same run. ratio: the most
    that it may be of the peer. timed: a time on a machine that others may use too, so that its ratio is held to its limit, and whether
    the time itself keeps its own is only told.
    """

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None
    peer: float | None = None
    ratio: float | None = None
    timed: bool = False

    @property
    def within(self) -> bool:
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    @property
    def limit(self) -> str:
        if self.least is not None:
            return f"at least {self.least:g}"
        return "" if self.most is None else f"at most {self.most:g}"

    @property
    def holds(self) -> bool:
        return (self.timed or self.within) and (self.ratio is None or self.of_peer <= self.ratio)

    @property
    def of_peer(self) -> float:
        return self.value / self.peer if self.peer else float("nan")

    def __str__(self) -> str:
        limit = f" ({'' if self.within else 'NOT '}{self.limit})" if self.limit else ""
        most = "" if self.ratio is None else f", {'at most' if self.of_peer <= self.ratio else 'NOT at most'} {self.ratio:g}"
        peer = "" if self.peer is None else f" [{self.of_peer:.2f} of the peer's {self.peer:.3g}{most}]"
        return f"{self.name} {self.value:.4g} {self.unit}{limit}{peer}"


@dataclass
class Figures:
    target: str
    about: str
    all: list[Figure] = field(default_factory=list)

    def tell(self, name: str, value: float, unit: str, **limits: Any) -> None:
        """limits: as of Figure."""
        self.all.append(Figure(name, value, unit, **limits))
        print(self.all[-1], file=sys.stderr, flush=True)

    def finish(self, not_here: str, *, short: bool = False) -> int:
        """Write the table (of a short run, which proves little, to build/benchmarks/), tell all in one line; the exit code."""
        print(f"{self.target}: {'; '.join(map(str, self.all))}; not here: {not_here}")
        self.write_table(not_here, ROOT / ("build" if short else "docs") / "benchmarks")
        return 0 if all(figure.holds for figure in self.all) else 1

    def write_table(self, not_here: str, folder: Path) -> None:
        rows = [
            f"| {one.name} | {one.value:.4g} {one.unit} | {one.limit.removeprefix('at most ')} |"
            f" {'' if one.peer is None else f'{one.of_peer:.2f}'} | {'' if one.ratio is None else f'{one.ratio:g}'} |"
            for one in self.all
        ]
        where = (
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}. Not here: {not_here}."
        )
        head = ["| | measured | at most | ratio to the peer | at most |", "|---|---|---|---|---|"]
        text = "\n".join([f"# `./run {self.target}`", "", self.about, "", where, "", *head, *rows, ""])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.target}.md").write_text(text)
