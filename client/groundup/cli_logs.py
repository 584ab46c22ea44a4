"""`groundup run logs`"""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice, takewhile
from typing import Annotated, Final

import typer

from groundup.cli_commands import app as app
from groundup.cli_output import complain, connect, console
from groundup.cli_runs import RunName
from groundup.history import History, LogLine
from groundup.log_following import LogFollower, Question

LOOK_SECONDS = 1.0
_BEFORE_ERROR: Final = 10
_AFTER_ERROR: Final = 40


@app.command()
def logs(
    ctx: typer.Context,
    name: RunName,
    *,
    rank: Annotated[int | None, typer.Option(min=0, help="Only lines of this process.")] = None,
    start: Annotated[int | None, typer.Option("--from", metavar="LINE", min=0, help="No line before this one.")] = None,
    last: Annotated[int | None, typer.Option("--last", metavar="N", min=0, help="Only the newest so many.")] = None,
    find: Annotated[str | None, typer.Option("--find", metavar="TEXT", help="Only lines with this text, in upper or lower case.")] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Only lines that tell an error.")] = False,
    first_error: Annotated[bool, typer.Option("--first-error", help="The first error, with the lines around it.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until the run ends.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every line as JSON.")] = False,
) -> None:
    """Show what a run's processes wrote, each line with its number and its rank."""
    if first_error and last is not None:
        raise typer.BadParameter("shows the lines around an error, not the newest", param_hint="--first-error")
    show = _Lines(as_json=as_json)
    with _ended_quietly():
        client = connect(ctx)
        run_id, question = client.runs.find(name).id, Question(rank, find, errors)
        if first_error:
            start, question = _first_error(client.history, run_id, question, start), Question(rank)
        if last is not None:
            lines, start = _newest(client.history, run_id, question, last, start or 0)
            show(lines)
        if follow:
            _follow(LogFollower(connect(ctx, retries=0), run_id, question, line=start or 0, interval=LOOK_SECONDS), show)
        elif last is None:
            show(islice(_lines(client.history, run_id, question, start), _BEFORE_ERROR + _AFTER_ERROR if first_error else None))


class _Lines:
    """Prints lines; on a terminal, errors in red."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.colours = console().is_terminal

    def __call__(self, lines: Iterable[LogLine]) -> None:
        for line in lines:
            if self.as_json:
                print(json.dumps(dataclasses.asdict(line), ensure_ascii=False), flush=True)
            else:
                text = f"{line.line:>7}  r{line.rank:<3} {line.text}"
                print(typer.style(text, fg="red") if line.error and self.colours else text, flush=True)


@contextmanager
def _ended_quietly() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _lines(history: History, run_id: str, question: Question, start: int | None) -> Iterator[LogLine]:
    return history.logs(run_id, from_line=start, **dataclasses.asdict(question))


def _first_error(history: History, run_id: str, question: Question, start: int | None) -> int:
    """The line to begin at, so that the error is seen with what led to it. Ends the command where there is none."""
    found = next(_lines(history, run_id, dataclasses.replace(question, errors=True), start), None)
    if found is None:
        complain("no line tells an error", "`groundup run logs RUN --last 50` shows how the log ends")
        raise typer.Exit(1)
    before = islice(history.logs(run_id, rank=question.rank, newest=True, before=found.line), _BEFORE_ERROR)
    return min((line.line for line in before), default=found.line)


def _newest(history: History, run_id: str, question: Question, count: int, start: int) -> tuple[list[LogLine], int]:
    """They, in the order in which they came, and where what comes after them begins."""
    end = next((line.line + 1 for line in history.logs(run_id, newest=True)), 0)
    back = history.logs(run_id, **dataclasses.asdict(question), newest=True, before=end)
    return list(islice(takewhile(lambda line: line.line >= start, back), count))[::-1], max(end, start)


def _follow(follower: LogFollower, show: _Lines) -> None:
    lost = False
    for news in follower.news():
        if news.lost and not lost:
            complain(f"reconnecting: {news.lost}")
        lost = bool(news.lost)
        show(news.lines)
