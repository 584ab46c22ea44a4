"""`groundup run export`: a run's metric points as a file."""

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TransferSpeedColumn

from groundup.cli_output import connect, console, say, size
from groundup.cli_runs import RunName
from groundup.exporting import SUFFIXES, must_be_new, whole_file


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    TENSORBOARD = "tensorboard"


class Attempts(StrEnum):
    LATEST = "latest"
    ALL = "all"


_BY_SUFFIX: Final = {
    ".csv": Format.CSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".zip": Format.TENSORBOARD,
}


def export_metrics(
    ctx: typer.Context,
    name: RunName,
    *,
    form: Annotated[Format | None, typer.Option("--format", help="By default what the output's name says, else csv.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file, or - for standard output; named after the run by default.")
    ] = None,
    names: Annotated[list[str], typer.Option("--name", metavar="METRIC", help="Only this metric, like train/loss; may be repeated.")] = [],  # noqa: B006  (typer copies it)
    attempts: Annotated[
        Attempts, typer.Option(help="latest: the run as it counts; all: also what later attempts did again.")
    ] = Attempts.LATEST,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Export every metric point of a run: CSV, JSON lines, Parquet, or TensorBoard's event files in a zip."""
    chosen = form or (_BY_SUFFIX.get(output.suffix.lower()) if output else None) or Format.CSV
    if output and str(output) != "-":
        must_be_new(output, force=force)  # before anything is asked for
    client = connect(ctx)
    run = client.runs.find(name)
    stream = client.history.export_stream(run.id, chosen, names=names, attempts=attempts)
    if str(output) == "-":
        for chunk in stream:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    target = output or Path(f"{run.name.replace('/', '_')}-{run.id}-metrics{SUFFIXES[chosen]}")
    with whole_file(target, force=force) as file:
        written = sum(file.write(chunk) for chunk in _shown(stream))
    say(f"{target}: {size(written)}")


def _shown(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """How much has come, where somebody looks at a terminal. How much will come is not known before it is there."""
    screen = console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as progress:
        task = progress.add_task("exporting", total=None)
        for chunk in chunks:
            progress.advance(task, len(chunk))
            yield chunk
