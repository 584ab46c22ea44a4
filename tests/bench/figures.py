"""The figures of a bench: told as they come, kept as a table in docs/benchmarks/, judged in the end."""

import os
import platform
import sys
from dataclasses import dataclass, field

from tests.e2e.stack import ROOT


@dataclass(frozen=True)
class Figure:
    """most: the limit it is held to; None: only told. peer: the same thing done plainly, measured in the same run."""

    name: str
    value: float
    unit: str
    most: float | None = None
    peer: float | None = None

    @property
    def holds(self) -> bool:
        return self.most is None or self.value <= self.most

    def __str__(self) -> str:
        limit = "" if self.most is None else f" ({'at most' if self.holds else 'NOT at most'} {self.most:g})"
        ratio = "" if self.peer is None else f" [{self.value / self.peer:.2f} of the peer's {self.peer:.3g}]"
        return f"{self.name} {self.value:.3g} {self.unit}{limit}{ratio}"


@dataclass
class Figures:
    target: str
    about: str
    all: list[Figure] = field(default_factory=list)

    def tell(self, name: str, value: float, unit: str, *, most: float | None = None, peer: float | None = None) -> None:
        self.all.append(Figure(name, value, unit, most, peer))
        print(self.all[-1], file=sys.stderr, flush=True)

    def finish(self, not_here: str) -> int:
        """Write the table, tell all in one line; the exit code."""
        print(f"{self.target}: {'; '.join(map(str, self.all))}; not here: {not_here}")
        self.write_table(not_here)
        return 0 if all(figure.holds for figure in self.all) else 1

    def write_table(self, not_here: str) -> None:
        rows = [
            f"| {one.name} | {one.value:.3g} {one.unit} | {'' if one.most is None else f'{one.most:g}'} |"
            f" {'' if one.peer is None else f'{one.value / one.peer:.2f}'} |"
            for one in self.all
        ]
        where = (
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}. Not here: {not_here}."
        )
        head = ["| | measured | at most | ratio to the peer |", "|---|---|---|---|"]
        text = "\n".join([f"# `./run {self.target}`", "", self.about, "", where, "", *head, *rows, ""])
        path = ROOT / "docs" / "benchmarks" / f"{self.target}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
