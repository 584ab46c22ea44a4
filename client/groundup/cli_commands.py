"""`groundup run ...`: what a run that is under way can be asked."""

from typing import Annotated, Any

import typer

from groundup.cli_output import Json, connect, day, say, show_json, show_table
from groundup.cli_runs import RunName
from groundup.cli_runs import app as app
from groundup.commands import Command
from groundup.runs import Run
from groundup.spec_edits import edited

Wait = Annotated[bool, typer.Option("--wait", help="Until it is applied or rejected; the exit code is 0 where it was applied.")]
Checkpoint = Annotated[str, typer.Argument(metavar="CHECKPOINT", help="Its id; `groundup checkpoint ls --run RUN` lists them.")]


@app.command()
def pause(
    ctx: typer.Context,
    name: RunName,
    *,
    hold: Annotated[bool, typer.Option("--hold", help="Keep the slots: the processes stand still, and resuming takes no time.")] = False,
    wait: Wait = False,
) -> None:
    """Let a run rest at its next step, saved. Its slots go to others unless --hold is given."""
    _ask(ctx, name, "pause", wait=wait, **({"hold": True} if hold else {}))


@app.command()
def resume(
    ctx: typer.Context,
    name: RunName,
    *,
    from_scratch: Annotated[bool, typer.Option("--from-scratch", help="Begin at the first step; its checkpoints are left behind.")] = False,
    wait: Wait = False,
) -> None:
    """Let a paused run go on from its newest checkpoint."""
    _ask(ctx, name, "resume", wait=wait, **({"from_scratch": True} if from_scratch else {}))


@app.command()
def stop(ctx: typer.Context, name: RunName, *, wait: Wait = False) -> None:
    """End a run at its next step, with a checkpoint."""
    _ask(ctx, name, "stop", wait=wait)


@app.command()
def kill(ctx: typer.Context, name: RunName, *, wait: Wait = False) -> None:
    """End a run's processes at once; what it learned since its last checkpoint is lost."""
    _ask(ctx, name, "kill", wait=wait)


@app.command()
def save(ctx: typer.Context, name: RunName, *, wait: Wait = False) -> None:
    """Save a checkpoint at the next step."""
    _ask(ctx, name, "save_checkpoint", wait=wait)


@app.command()
def evaluate(ctx: typer.Context, name: RunName, *, wait: Wait = False) -> None:
    """Measure the loss on the held-out text at the next step."""
    _ask(ctx, name, "evaluate", wait=wait)


@app.command()
def sample(
    ctx: typer.Context,
    name: RunName,
    prompts: Annotated[list[str], typer.Argument(metavar="[PROMPT]...", help="Instead of the run's own.")] = [],  # noqa: B006  (typer copies it)
    *,
    wait: Wait = False,
) -> None:
    """Let a run write a sample at its next step."""
    _ask(ctx, name, "sample", wait=wait, **({"prompts": prompts} if prompts else {}))


@app.command("set")
def set_hyperparameters(
    ctx: typer.Context,
    name: RunName,
    edits: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE...", help="Like optimizer.lr=3e-4, schedule.name=constant.")],
    *,
    wait: Wait = False,
) -> None:
    """Change the learning rate, schedule, batch, intervals or length of a run, between two steps and on all ranks at once."""
    try:
        changes = edited({}, [edit.removeprefix("train.") for edit in edits])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="FIELD=VALUE") from None
    _ask(ctx, name, "set_hyperparameters", wait=wait, changes=changes)


@app.command()
def rollback(ctx: typer.Context, name: RunName, checkpoint: Checkpoint, *, wait: Wait = False) -> None:
    """Go back to an earlier checkpoint and on from there; later ones are left behind."""
    _ask(ctx, name, "rollback", wait=wait, checkpoint_id=checkpoint)


@app.command()
def fork(
    ctx: typer.Context,
    name: RunName,
    checkpoint: Checkpoint,
    *,
    new_name: Annotated[str | None, typer.Option("--name", help="Of the new run; else the old one's with -fork.")] = None,
    edits: Annotated[list[str], typer.Option("--set", metavar="FIELD=VALUE", help="Change a field, like train.steps=100.")] = [],  # noqa: B006  (typer copies it)
    as_json: Json = False,
) -> None:
    """Start a new run from a checkpoint of this one."""
    try:
        overrides = edited({}, edits)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--set") from None
    client = connect(ctx)
    _tell_new(client.runs.fork(client.runs.find(name).id, checkpoint, name=new_name, overrides=overrides), as_json)


@app.command()
def replay(
    ctx: typer.Context,
    name: RunName,
    *,
    new_name: Annotated[str | None, typer.Option("--name", help="Of the new run; else the old one's with -replay.")] = None,
    as_json: Json = False,
) -> None:
    """Do a run again from its beginning, with every change at the step at which it was applied."""
    client = connect(ctx)
    _tell_new(client.runs.replay(client.runs.find(name).id, name=new_name), as_json)


@app.command()
def commands(ctx: typer.Context, name: RunName, *, as_json: Json = False) -> None:
    """Show what a run was asked, by whom, and what became of that."""
    client = connect(ctx)
    known = client.runs.commands.list(client.runs.find(name).id)
    if as_json:
        show_json(known)
        return
    rows = ((day(one.created_at), one.by, one.type, _arguments(one.arguments), _life(one)) for one in known)
    show_table(("asked", "by", "command", "", "state"), rows, empty="It was asked nothing.")


def _ask(ctx: typer.Context, name: str, kind: str, *, wait: bool, **fields: Any) -> None:
    client = connect(ctx)
    run = client.runs.find(name)
    command = client.runs.commands.ask(run.id, kind, **fields)
    if wait and not command.settled:
        command = client.runs.commands.wait(run.id, command.command_id)
    say(f"{run.id}: {kind} {_life(command)}")
    if command.state == "rejected":
        raise typer.Exit(1)


def _life(command: Command) -> str:
    if command.state == "rejected":
        return f"rejected: {command.reason}"
    if command.state != "applied":
        return command.state
    where = f" at step {command.step}" if command.step is not None else ""
    ranks = f" on {command.ranks} rank{'s' if command.ranks != 1 else ''}" if command.ranks else ""
    return f"applied{where}{ranks}" + (", undone by a rollback" if command.undone else "")


def _arguments(arguments: dict[str, Any], prefix: str = "") -> str:
    told = [
        _arguments(value, f"{prefix}{name}.") if isinstance(value, dict) else f"{prefix}{name}={value}" for name, value in arguments.items()
    ]
    return " ".join(told)


def _tell_new(run: Run, as_json: bool) -> None:
    if as_json:
        show_json(run)
    else:
        say(f"{run.id}  {run.name}  {run.state}" + (f": {run.reason}" if run.reason else ""))
