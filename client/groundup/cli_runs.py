"""`groundup run ...`"""

import itertools
from pathlib import Path
from typing import Annotated

import typer

from groundup.cli_follow import follow_run
from groundup.cli_output import Json, amount, complain, connect, day, number, say, show_json, show_table
from groundup.runs import Run, load_spec
from groundup.spec_edits import edited

app = typer.Typer(no_args_is_help=True, help="Runs: submit, watch, end.")
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Its id, or its name (then the newest of that name).")]


@app.command()
def submit(
    ctx: typer.Context,
    *,
    file: Annotated[Path, typer.Option("-f", "--file", exists=True, dir_okay=False, help="The run spec, in YAML.")],
    edits: Annotated[list[str], typer.Option("--set", metavar="FIELD=VALUE", help="Change a field, like train.steps=100.")] = [],  # noqa: B006  (typer copies it)
    follow: Annotated[bool, typer.Option("--follow", help="Show its progress until it ends.")] = False,
    as_json: Json = False,
) -> None:
    """Submit a run."""
    try:
        spec = edited(load_spec(file), edits)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--set") from None
    run = connect(ctx).runs.submit(spec)
    for warning in run.warnings:
        complain(f"{warning.field}: {warning.message}")
    if as_json:
        show_json(run)
    else:
        say(f"{run.id}  {run.name}  {run.state}" + (f": {run.reason}" if run.reason else ""))
    if follow:
        _exit_like(follow_run(ctx, run.id))
    elif not as_json:
        say(f"Watch it with `groundup run follow {run.id}`.")


@app.command()
def ls(
    ctx: typer.Context,
    *,
    state: Annotated[str | None, typer.Option(help="Only runs in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List runs."""
    runs = list(itertools.islice(connect(ctx).runs.list(state=state), limit))
    if as_json:
        show_json(runs)
        return
    show_table(
        ("id", "name", "state", "step", "loss", "created", "reason"), map(_row, runs), empty="No runs yet. `groundup demo` makes one."
    )


@app.command()
def show(ctx: typer.Context, name: RunName, *, as_json: Json = False) -> None:
    """Show one run: state, progress, attempts, what it ended with."""
    run = connect(ctx).runs.find(name)
    if as_json:
        show_json(run)
        return
    _show_facts(run)
    if run.attempts:
        rows = ((a.attempt, a.state, a.worker, len(a.slots), a.resume_step, day(a.started_at), a.reason) for a in run.attempts)
        show_table(("attempt", "state", "worker", "slots", "from step", "started", "reason"), rows, empty="")


@app.command()
def follow(ctx: typer.Context, name: RunName) -> None:
    """Show a run's progress until it ends. The exit code is 0 where it succeeded."""
    _exit_like(follow_run(ctx, connect(ctx).runs.find(name).id))


@app.command()
def rm(
    ctx: typer.Context,
    name: RunName,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also where its checkpoints are pinned or have aliases.")] = False,
) -> None:
    """Delete a run that has ended, with its checkpoints. Where one is pinned or has an alias, that is told and nothing is deleted."""
    client = connect(ctx)
    run = client.runs.find(name)
    if not yes:
        typer.confirm(f"Delete {run.id} ({run.name}) and its checkpoints?", abort=True)
    client.runs.delete(run.id, force=force)
    say(f"{run.id} is deleted.")


def _exit_like(run: Run) -> None:
    if not run.succeeded:
        raise typer.Exit(1)


def _row(run: Run) -> tuple[object, ...]:
    progress = run.progress
    return (run.id, run.name, run.state, f"{progress.step}/{progress.steps}", number(progress.loss), day(run.created_at), run.reason)


def _show_facts(run: Run) -> None:
    progress = run.progress
    facts = {
        "id": run.id,
        "name": f"{run.name} (project {run.project})",
        "state": run.state + (f": {run.reason}" if run.reason else ""),
        "created": f"{day(run.created_at)} by {run.created_by}",
        "begun from": _origin(run),
        "slots": "held while it is paused" if run.holds_slots else "",
        "failure": f"{run.failure.kind}: {run.failure.message}" if run.failure else "",
        "remedy": run.failure.remedy if run.failure else "",
        "progress": f"step {progress.step}/{progress.steps}, {amount(progress.tokens)} tokens, loss {number(progress.loss) or '-'}",
        "trained on": ", ".join(f"{name} {_reference(value)}" for name, value in (run.resolved or {}).items()),
        "summary": "  ".join(f"{name} {value}" for name, value in run.summary.items()),
    }
    for name, text in facts.items():
        if text:
            say(f"{name + ':':<12}{text}")


def _origin(run: Run) -> str:
    """Of a fork or a replay; a replay of a fork is both."""
    told = [f"{run.origin['checkpoint_id']} (step {run.origin['step']}) of {run.parent_id}"] if run.origin else []
    return ", ".join(told + ([f"as a replay of {run.replay_of}"] if run.replay_of else []))


def _reference(value: object) -> object:
    """`resolved` names versions as text, or as an object with name and version."""
    return f"{value.get('name')}@{value.get('version')}" if isinstance(value, dict) else value
