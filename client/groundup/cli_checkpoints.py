"""`groundup checkpoint ...`"""

import itertools
import sys
from pathlib import Path
from typing import Annotated

import typer

from groundup.cli_output import Json, complain, connect, day, number, say, show_json, show_table, size

app = typer.Typer(no_args_is_help=True, help="Checkpoints: list, show, keep, name, delete, export, download, verify.")
CheckpointId = Annotated[str, typer.Argument(metavar="CHECKPOINT", help="Its id (`groundup checkpoint ls`), or an alias as project/name.")]
CheckpointIds = Annotated[list[str], typer.Argument(metavar="CHECKPOINT...", help="Ids, or aliases as project/name.")]


@app.command()
def ls(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run by id or name; all runs without it.")] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List checkpoints, newest first."""
    client = connect(ctx)
    found = client.checkpoints.list(client.runs.find(name).id if name else None)
    checkpoints = list(itertools.islice(found, limit))
    if as_json:
        show_json(checkpoints)
        return
    rows = (
        (c.id, c.step, c.attempt, number(c.metrics.get("val/loss")), size(c.bytes), day(c.created_at), _kept(c.state, c.kept_because))
        for c in checkpoints
    )
    show_table(("id", "step", "attempt", "val/loss", "bytes", "created", "kept because"), rows, empty="No checkpoint yet.")


@app.command()
def show(ctx: typer.Context, checkpoint: CheckpointId, *, as_json: Json = False) -> None:
    """Show one checkpoint: where it is from, why it is kept, its files."""
    found = connect(ctx).checkpoints.get(checkpoint)
    if as_json:
        show_json(found)
        return
    say(f"{found.id}  step {found.step} of {found.run_name} ({found.run_id}, attempt {found.attempt}), {size(found.bytes)}")
    say(f"state     {found.state}" + (f": {found.damage}" if found.damage else ""))
    say(f"verified  {day(found.verified_at) or 'never'}")
    say(f"kept      {'; '.join(found.kept_because) or 'by nothing; it goes ' + (day(found.expires_at) or 'soon')}")
    say("metrics   " + ", ".join(f"{name} {number(value)}" for name, value in sorted(found.metrics.items())))
    show_table(("file", "bytes", "sha256"), [(file.name, size(file.bytes), file.sha256) for file in found.files], empty="")


@app.command()
def pin(ctx: typer.Context, checkpoint: CheckpointId) -> None:
    """Keep a checkpoint until it is unpinned."""
    client = connect(ctx)
    client.checkpoints.change(client.checkpoints.get(checkpoint).id, pinned=True)
    say(f"{checkpoint} is pinned.")


@app.command()
def unpin(ctx: typer.Context, checkpoint: CheckpointId) -> None:
    """Let retention decide about a checkpoint again."""
    client = connect(ctx)
    changed = client.checkpoints.change(client.checkpoints.get(checkpoint).id, pinned=False)
    say(f"{checkpoint} is not pinned any more; kept because: {'; '.join(changed.kept_because) or 'of nothing'}.")


@app.command()
def alias(
    ctx: typer.Context,
    checkpoint: CheckpointId,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names in the checkpoint's project, like production.")],
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Take these names away instead.")] = False,
) -> None:
    """Give a checkpoint names; a name that another one has moves here."""
    client = connect(ctx)
    found = client.checkpoints.get(checkpoint)
    wanted = [name for name in found.aliases if name not in names] if remove else [*dict.fromkeys([*found.aliases, *names])]
    changed = client.checkpoints.change(found.id, aliases=wanted)
    say(f"{found.id}: {', '.join(f'{changed.project}/{name}' for name in changed.aliases) or 'no alias'}")
    for move in changed.moved:
        if move.before:
            say(f"{move.alias} was at {move.before} before.")


@app.command()
def rm(
    ctx: typer.Context,
    checkpoints: CheckpointIds,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be deleted.")] = False,
) -> None:
    """Delete checkpoints that nothing needs. Exit code 1 where one was refused."""
    client = connect(ctx)
    ids = [client.checkpoints.get(each).id if "/" in each else each for each in checkpoints]
    done = client.checkpoints.delete(ids, dry_run=dry_run)
    say(f"{'would delete' if dry_run else 'deleted'} {len(done.deleted)}, {size(done.bytes)}: {', '.join(done.deleted) or 'nothing'}")
    for refusal in done.refused:
        complain(f"{refusal.id} stays: {'; '.join(refusal.reasons)}")
    if done.refused:
        raise typer.Exit(1)


@app.command()
def usage(ctx: typer.Context, *, as_json: Json = False) -> None:
    """Tell how much room the checkpoints take, and have left."""
    told = connect(ctx).checkpoints.usage()
    if as_json:
        show_json(told)
        return
    say(f"{told.level}: {told.message}")
    rows = [(run.run_name, run.project, run.count, size(run.bytes), run.run_id) for run in told.by_run]
    show_table(("run", "project", "checkpoints", "bytes", "id"), rows, empty="No checkpoint yet.")


@app.command()
def export(
    ctx: typer.Context,
    checkpoint: CheckpointId,
    *,
    to: Annotated[Path | None, typer.Option(help="Folder that gets the checkpoint's folder; this one by default.")] = None,
    output: Annotated[str | None, typer.Option("-o", "--output", help="- writes a tar to standard output: `... -o - | tar x`.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also the optimizer's state and all else that training needs.")] = False,
) -> None:
    """Export a checkpoint as one folder: weights, tokenizer, config, model card, hashes (which are checked)."""
    if output not in {None, "-"} or (output and to):
        raise typer.BadParameter("give either --to FOLDER or -o -", param_hint="-o")
    client = connect(ctx)
    found = client.checkpoints.get(checkpoint).id
    if output == "-":
        for chunk in client.checkpoints.export_stream(found, everything=everything):
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    say(f"{client.checkpoints.export(found, to or Path(), everything=everything)}: every hash is right.")


@app.command()
def download(
    ctx: typer.Context,
    checkpoint: CheckpointId,
    *,
    to: Annotated[Path | None, typer.Option(help="Folder to write to; a folder of its id by default.")] = None,
) -> None:
    """Download a checkpoint's files as they are stored; each file's SHA-256 is checked."""
    client = connect(ctx)
    found = client.checkpoints.get(checkpoint).id
    folder = to or Path(found)
    files = client.checkpoints.download(found, folder)
    say(f"{len(files)} files in {folder}, their hashes are right.")


@app.command()
def verify(
    ctx: typer.Context,
    checkpoint: CheckpointId,
    *,
    folder: Annotated[Path | None, typer.Option(help="Check a downloaded copy instead of what is stored.")] = None,
) -> None:
    """Read every byte of a checkpoint and compare with the hashes that its run committed."""
    client = connect(ctx)
    damaged = client.checkpoints.verify(client.checkpoints.get(checkpoint).id, folder)
    if damaged:
        complain(f"damaged or missing: {', '.join(file.name for file in damaged)}", "download it again, or take an older checkpoint")
        raise typer.Exit(1)
    say(f"{checkpoint}: every hash is right.")


def _kept(state: str, because: list[str]) -> str:
    reasons = "; ".join(because) or "nothing, it goes soon"
    return reasons if state == "committed" else f"{state.upper()}; {reasons}"
