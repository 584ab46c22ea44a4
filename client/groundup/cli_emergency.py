"""`groundup emergency-stop`"""

from typing import Annotated, Final

import typer

from groundup.cli_output import connect, day, say
from groundup.emergency import EmergencyStop

WORDS: Final = "stop everything"


def emergency_stop(
    ctx: typer.Context,
    *,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Everybody is told.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for the words.")] = False,
    reopen: Annotated[bool, typer.Option("--reopen", help="Let runs start again; those that were stopped stay paused.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Only say whether one stands.")] = False,
) -> None:
    """Kill every training process on every worker, now, and start none until it is reopened. Checkpoints stay."""
    emergency = connect(ctx).emergency
    if show:
        say(told(emergency.show()))
        return
    if reopen:
        emergency.reopen()
        say("The queue is open again. `groundup run ls --state paused` lists what waits to be resumed.")
        return
    if not yes and typer.prompt(f"Everything is killed at once. Type '{WORDS}'", default="", show_default=False) != WORDS:
        say("Nothing was stopped.")
        raise typer.Exit(1)
    say(told(emergency.stop(reason or "by hand")))


def told(stop: EmergencyStop) -> str:
    if not stop.active:
        return "No emergency stop stands."
    left = f", {stop.remaining} not yet known to be gone" if stop.remaining else ""
    since = f" since {day(stop.since)}" if stop.since else ""
    killed = f"{stop.attempts} attempt(s) killed{left}"
    return f"Emergency stop by {stop.by}{since}: {stop.reason}. {killed}. `groundup emergency-stop --reopen` ends it."
