"""`groundup queue ...`, `groundup worker ...` and `groundup project ...`"""

from typing import Annotated

import typer

from groundup.cli_emergency import told
from groundup.cli_output import Json, connect, day, say, show_json, show_table
from groundup.queueing import QueueState
from groundup.workers import Worker

queue = typer.Typer(no_args_is_help=True, help="The queue: who waits and why; pause and resume all of it.")
worker = typer.Typer(no_args_is_help=True, help="Workers and their slots.")
project = typer.Typer(no_args_is_help=True, help="Projects and their share of the cluster.")
WorkerName = Annotated[str, typer.Argument(metavar="WORKER", help="Its name; `groundup worker ls` lists them.")]


@queue.command("show")
def show_queue(
    ctx: typer.Context, *, limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many runs.")] = 50, as_json: Json = False
) -> None:
    """Show who waits, in order and why, and whether the queue is paused."""
    state = connect(ctx).queue.show(limit=limit)
    if as_json:
        show_json(state)
        return
    if state.emergency:
        say(told(state.emergency), style="red")
    if state.pause:
        say(_paused(state) + " `groundup queue resume` reopens it.", style="yellow")
    rows = ((one.position, one.run_id, one.name, one.project, one.priority, one.processes, one.reason) for one in state.items)
    show_table(("", "id", "name", "project", "priority", "slots", "why it waits"), rows, empty="No run waits.")
    if state.waiting > len(state.items):
        say(f"and {state.waiting - len(state.items)} more")
    if any(share.weight != 1 for share in state.shares):
        shares = ((one.project, f"{one.weight:g}", one.busy_slots, one.waiting) for one in state.shares)
        show_table(("project", "weight", "busy slots", "waiting"), shares, empty="")


def _paused(state: QueueState) -> str:
    assert state.pause
    reason = f": {state.pause.reason}" if state.pause.reason else ""
    return f"The queue is paused by {state.pause.by} since {day(state.pause.since)}{reason}."


@queue.command("pause")
def pause_queue(
    ctx: typer.Context, *, reason: Annotated[str, typer.Option("--reason", "-m", help="Every waiting run shows it.")] = ""
) -> None:
    """Start no run any more until `groundup queue resume`; what runs goes on."""
    connect(ctx).queue.pause(reason)
    say("The queue is paused; what runs goes on. `groundup queue resume` reopens it.")


@queue.command("resume")
def resume_queue(ctx: typer.Context) -> None:
    """Reopen a paused queue."""
    connect(ctx).queue.resume()
    say("The queue is open.")


@worker.command("ls")
def list_workers(ctx: typer.Context, *, as_json: Json = False) -> None:
    """List workers, how many of their slots are free, and what the others do."""
    workers = list(connect(ctx).workers.list())
    if as_json:
        show_json(workers)
        return
    columns = ("name", "state", "host", "free", "devices", "runs", "heard of")
    show_table(columns, map(_row, workers), empty="No worker has joined yet. `./run up` starts one.")


def _row(found: Worker) -> tuple[object, ...]:
    free = sum(slot.attempt_id is None for slot in found.slots)
    devices = ", ".join(sorted({slot.name or slot.device for slot in found.slots}))
    runs = " ".join(sorted({slot.run_id for slot in found.slots if slot.run_id}))
    state = found.state + (", to be drained" if found.state == "lost" and found.draining else "")
    state += f": {found.halted}" if found.halted else ""
    return (found.name, state, found.host, f"{free}/{len(found.slots)}", devices, runs, day(found.last_heartbeat))


@worker.command("drain")
def drain_worker(ctx: typer.Context, name: WorkerName) -> None:
    """Place nothing new on a worker; what runs there goes on to its end."""
    drained = connect(ctx).workers.drain(name)
    runs = len({slot.run_id for slot in drained.slots if slot.run_id})
    left = f"{runs} run{'' if runs == 1 else 's'} there {'goes' if runs == 1 else 'go'} on to the end." if runs else "Nothing runs there."
    say(f"{drained.name} is draining. {left}")


@worker.command("undrain")
def undrain_worker(ctx: typer.Context, name: WorkerName) -> None:
    """Offer a worker to runs again."""
    found = connect(ctx).workers.drain(name, drain=False)
    say(f"{found.name} is {found.state}, and is no longer drained.")


@project.command("share")
def share_project(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The project.")],
    weight: Annotated[float, typer.Argument(metavar="WEIGHT", help="Above 0; 1 where none is set. With 2 it gets twice the slots.")],
) -> None:
    """Set a project's weight in the queue."""
    share = connect(ctx).queue.set_share(name, weight)
    say(f"{share.project} has weight {share.weight:g}.")
