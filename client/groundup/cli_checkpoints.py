"""`groundup checkpoint ...`"""

from pathlib import Path
from typing import Annotated

import typer

from groundup.cli_output import Json, complain, connect, day, number, say, show_json, show_table, size
from groundup.cli_runs import RunName

app = typer.Typer(no_args_is_help=True, help="Checkpoints: list, download, verify.")
CheckpointId = Annotated[str, typer.Argument(metavar="CHECKPOINT", help="Its id, as `groundup checkpoint ls` shows it.")]


@app.command()
def ls(ctx: typer.Context, name: RunName, *, as_json: Json = False) -> None:
    """List a run's checkpoints."""
    client = connect(ctx)
    checkpoints = list(client.checkpoints.list(client.runs.find(name).id))
    if as_json:
        show_json(checkpoints)
        return
    rows = [(c.id, c.step, c.attempt, number(c.metrics.get("val/loss")), size(c.bytes), day(c.created_at)) for c in checkpoints]
    show_table(("id", "step", "attempt", "val/loss", "bytes", "created"), rows, empty="No checkpoint yet.")


@app.command()
def download(
    ctx: typer.Context,
    checkpoint: CheckpointId,
    *,
    to: Annotated[Path | None, typer.Option(help="Folder to write to; a folder of its name by default.")] = None,
) -> None:
    """Download a checkpoint; each file's SHA-256 is checked."""
    folder = to or Path(checkpoint)
    files = connect(ctx).checkpoints.download(checkpoint, folder)
    say(f"{len(files)} files in {folder}, their hashes are right.")


@app.command()
def verify(
    ctx: typer.Context,
    checkpoint: CheckpointId,
    *,
    folder: Annotated[Path | None, typer.Option(help="Check a downloaded copy instead of what is stored.")] = None,
) -> None:
    """Read every byte of a checkpoint and compare with the hashes that its run committed."""
    damaged = connect(ctx).checkpoints.verify(checkpoint, folder)
    if damaged:
        complain(f"damaged or missing: {', '.join(file.name for file in damaged)}", "download it again, or take an older checkpoint")
        raise typer.Exit(1)
    say(f"{checkpoint}: every hash is right.")
