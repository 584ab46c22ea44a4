"""`groundup demo`"""

import os
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from groundup.cli_follow import follow_run
from groundup.cli_output import connect, say
from groundup.client import Client
from groundup.demo import Plan, Summary, next_name, push_text, run_spec, submit_run, train_tokenizer
from groundup.following import View
from groundup.generation import Sampling
from groundup.problems import ClientError
from groundup.runs import Run

_PROMPT: Final = "def "
_SEED: Final = 7


def demo(
    ctx: typer.Context,
    *,
    text: Annotated[
        str | None, typer.Option(help="Text of your own: a file, a folder or a pattern. Default: Python's standard library.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps; default: as many as take about --seconds.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes to train on.")] = 2,
    seconds: Annotated[float, typer.Option(min=1, help="About how long to train.")] = 120,
    summary_file: Annotated[Path | None, typer.Option("--json-summary", metavar="FILE", help="Write what came out as JSON.")] = None,
) -> None:
    """Train a first model on real text and sample from it; every step is a command that you could type."""
    client, summary = connect(ctx), Summary()
    plan = Plan(_folder(client), text, steps, processes, seconds)
    try:
        run = _train(ctx, client, plan, summary)
        if run.succeeded:
            _sample(client, run, summary)
    finally:
        summary.seconds = summary.elapsed()
        if summary_file:
            summary.write(summary_file)
    if not run.succeeded:
        raise typer.Exit(1)
    _say_what_next(client, run)


def _train(ctx: typer.Context, client: Client, plan: Plan, summary: Summary) -> Run:
    dataset = push_text(client, plan, _step)
    tokenizer = train_tokenizer(client, dataset, _step)
    run = submit_run(client, plan, run_spec(plan, next_name(client), dataset, tokenizer), _step)
    summary.dataset, summary.tokenizer = dataset.reference, tokenizer.reference
    summary.run_id, summary.run_name, summary.state = run.id, run.name, run.state

    def note(view: View) -> None:
        if view.loss is not None and summary.seconds_to_first_loss is None:
            summary.seconds_to_first_loss = summary.elapsed()

    run = follow_run(ctx, run.id, on_view=note)
    _note_losses(client, run, summary)
    return run


def _note_losses(client: Client, run: Run, summary: Summary) -> None:
    summary.state, summary.train_loss = run.state, run.progress.loss
    series = client.history.metrics(run.id, ["val/loss"])
    summary.val_losses = [value for one in series for value in one.last if value is not None]
    if newest := client.checkpoints.newest(run.id):
        summary.checkpoint_id = newest.id


def _sample(client: Client, run: Run, summary: Summary) -> None:
    _step(f"$ groundup generate {run.name} --prompt '{_PROMPT}' --seed {_SEED}")
    result = client.generator.generate(run.id, [_PROMPT], Sampling(seed=_SEED))
    summary.sample, summary.checkpoint_id = _PROMPT + result.outputs[0].text, result.checkpoint_id
    say(summary.sample)


def _say_what_next(client: Client, run: Run) -> None:
    try:
        dashboard = f"{client.account.login_link().url}   (logs your browser in, once, within 10 minutes)"
    except ClientError:  # the demo is done; the address alone does as well
        dashboard = client.config.url
    _step("Your first model is trained. What next:")
    for what, how in (
        ("look at it", dashboard),
        ("list runs", "groundup run ls"),
        ("its checkpoints", f"groundup checkpoint ls {run.name}"),
        ("more text", f"groundup generate {run.name} --prompt 'class ' --stream"),
        ("change the spec", f"groundup run submit -f {_folder(client) / 'demo-run.yaml'} --set name=mine --set train.steps=2000 --follow"),
        ("something wrong?", "groundup doctor"),
        ("stop everything", "./run down   (what you made stays)"),
        ("read on", "docs/http-api.md, README.md"),
    ):
        say(f"  {what:<17}{how}")


def _folder(client: Client) -> Path:
    """The data folder of this machine's server, else a temporary one."""
    folder = client.config.data_dir
    if folder.is_dir() and os.access(folder, os.W_OK):
        return folder
    return Path(tempfile.gettempdir()) / "groundup-demo"


def _step(text: str) -> None:
    say(f"\n{text}", style="bold" if text.startswith("$") else None)
