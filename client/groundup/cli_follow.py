"""A run's progress on a terminal (a bar) or anywhere else (a line every few seconds)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.progress import BarColumn, Progress, TextColumn

from groundup.cli_output import amount, connect, console, duration, number, say
from groundup.following import Follower, View
from groundup.runs import Run

LOOK_SECONDS = 1.0
_PLAIN_SECONDS = 5.0
Show = Callable[[View], None]


def follow_run(ctx: typer.Context, run_id: str, *, on_view: Show | None = None) -> Run:
    """Show the run until it has ended. Ctrl-C leaves it going, says how to come back and ends the command with exit code 130."""
    run: Run | None = None
    try:
        with _display() as show:
            for view in Follower(connect(ctx, retries=0), run_id, interval=LOOK_SECONDS).views():
                show(view)
                if on_view:
                    on_view(view)
                run = view.run
    except KeyboardInterrupt:
        say(f"The run goes on. Come back with `groundup run follow {run_id}`, end it with `groundup run stop {run_id}`.")
        raise typer.Exit(130) from None
    assert run is not None, "a follower's last view has a run"
    say(_ending(run), style="green" if run.succeeded else "red")
    return run


@contextmanager
def _display() -> Iterator[Show]:
    if not console().is_terminal:
        yield PlainLines().show
        return
    columns = (TextColumn("{task.fields[status]}"), BarColumn(None), TextColumn("{task.fields[figures]}"))
    with Progress(*columns, console=console(), expand=True) as progress:
        yield _bar(progress)


def _bar(progress: Progress) -> Show:
    task = progress.add_task("", total=None, status="", figures="")

    def show(view: View) -> None:
        for line in view.news:
            progress.console.print(line)
        status = "reconnecting" if view.lost else view.status
        progress.update(task, total=view.steps or None, completed=view.step, status=status, figures=figures(view))

    return show


class PlainLines:
    """A line when the state or its reason changes, and every few seconds while steps are taken."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.status, self.step, self.at = "", -1, clock()

    def show(self, view: View) -> None:
        for line in view.news:
            say(line)
        status = "reconnecting" if view.lost else view.status
        due = view.step != self.step and self.clock() - self.at >= _PLAIN_SECONDS
        if status == self.status and not due:
            return
        self.status, self.step, self.at = status, view.step, self.clock()
        say(f"{status} ({view.lost})" if view.lost else f"{status}  {figures(view)}".rstrip())


def figures(view: View) -> str:
    """`step 120/600  loss 3.2100  12.3k tokens/s  1:10 left`, as much of it as is known."""
    parts = []
    if view.step:
        parts.append(f"step {view.step}/{view.steps}")
    if view.loss is not None:
        parts.append(f"loss {number(view.loss)}")
    if view.tokens_per_second is not None:
        parts.append(f"{amount(view.tokens_per_second)} tokens/s")
    if view.eta_seconds is not None:
        parts.append(f"{duration(view.eta_seconds)} left")
    return "  ".join(parts)


def _ending(run: Run) -> str:
    shown = ("train/loss", "val/loss", "val/bpb")
    losses = "  ".join(f"{name} {number(run.summary[name])}" for name in shown if run.summary.get(name) is not None)
    return f"{run.name} {run.state}" + (f": {run.reason}" if run.reason else "") + (f"  ({losses})" if losses else "")
