"""`groundup data ...` and `groundup tokenizer ...`"""

import itertools
from typing import Annotated

import typer
from rich.progress import Progress

from groundup.cli_output import Json, connect, console, day, number, say, show_json, show_table, size
from groundup.datasets import Push
from groundup.tokenizers import Tokenizer

data = typer.Typer(no_args_is_help=True, help="Datasets: push text, list versions.")
tokenizer = typer.Typer(no_args_is_help=True, help="Tokenizers: train, list.")
Name = Annotated[str, typer.Argument(metavar="NAME")]


@data.command()
def push(
    ctx: typer.Context,
    name: Name,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Text files, folders, quoted patterns.")],
    *,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out files that are empty or not UTF-8.")] = False,
    as_json: Json = False,
) -> None:
    """Make a dataset version of text files. Repeat it after an interruption: only what is missing is sent."""
    with Progress(console=console(stderr=True), disable=not console(stderr=True).is_terminal) as progress:
        task = progress.add_task("checking and hashing", total=None)
        result = connect(ctx).datasets.push(
            name,
            paths,
            skip_bad=skip_bad,
            on_progress=lambda sent, total: progress.update(task, description="sending", completed=sent, total=total),
        )
    if as_json:
        show_json(result.version)
    else:
        say(_pushed(result))


@data.command("ls")
def list_datasets(ctx: typer.Context, *, as_json: Json = False) -> None:
    """List datasets."""
    datasets = list(connect(ctx).datasets.list())
    if as_json:
        show_json(datasets)
        return
    rows = [(d.name, d.versions, size(d.latest.bytes), d.latest.files, day(d.latest.created_at)) for d in datasets if d.latest]
    show_table(
        ("name", "versions", "bytes", "files", "latest"), rows, empty="No datasets yet. Make one with `groundup data push NAME PATH`."
    )


@data.command("show")
def show_dataset(
    ctx: typer.Context,
    name: Name,
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many versions.")] = 20,
    as_json: Json = False,
) -> None:
    """List a dataset's versions."""
    versions = list(itertools.islice(connect(ctx).datasets.versions(name), limit))
    if as_json:
        show_json(versions)
        return
    rows = [(v.reference, size(v.bytes), v.files, day(v.created_at), v.created_by) for v in versions]
    show_table(("version", "bytes", "files", "created", "by"), rows, empty="No version is complete yet.")


@tokenizer.command("train")
def train_tokenizer(
    ctx: typer.Context,
    name: Name,
    *,
    dataset: Annotated[str, typer.Option(help="Name or name@version of the dataset to learn from.")],
    vocab_size: Annotated[int, typer.Option(help="Number of tokens.")],
    wait: Annotated[bool, typer.Option("--wait", help="Until it is ready.")] = False,
    as_json: Json = False,
) -> None:
    """Train a byte-level BPE tokenizer on a dataset."""
    client = connect(ctx)
    trained = client.tokenizers.train(name, dataset=dataset, vocab_size=vocab_size)
    if wait:
        trained = client.tokenizers.wait(trained)
    if as_json:
        show_json(trained)
    else:
        say(told(trained))


@tokenizer.command("ls")
def list_tokenizers(ctx: typer.Context, *, as_json: Json = False) -> None:
    """List tokenizers; `byte` and `char` exist by themselves."""
    tokenizers = list(connect(ctx).tokenizers.list())
    if as_json:
        show_json(tokenizers)
        return
    rows = [(t.reference, t.kind, t.vocab_size, t.state, number(t.bytes_per_token, 2), t.dataset, t.reason) for t in tokenizers]
    columns = ("tokenizer", "kind", "tokens", "state", "bytes/token", "dataset", "reason")
    show_table(columns, rows, empty="None trained yet; `byte` and `char` exist by themselves.")


def told(trained: Tokenizer) -> str:
    figures = f", {trained.bytes_per_token:.2f} bytes per token" if trained.bytes_per_token else ""
    return f"{trained.reference}  {trained.state}" + (f", {trained.vocab_size} tokens" if trained.vocab_size else "") + figures


def _pushed(result: Push) -> str:
    version = result.version
    skipped = f", {len(result.skipped)} files skipped (empty or not UTF-8)" if result.skipped else ""
    sent = (
        f"{size(result.sent_bytes)} sent in {result.sent_parts} of {result.parts} parts" if result.sent_parts else "nothing had to be sent"
    )
    return f"{version.reference}  {version.files} files, {size(version.bytes)}; {sent}{skipped}"
