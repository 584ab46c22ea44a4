"""The `groundup` command. Exit codes: 0 done, 1 a problem (one line and what to do about it), 2 wrong usage."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from groundup import (
    cli_account,
    cli_checkpoints,
    cli_data,
    cli_demo,
    cli_doctor,
    cli_emergency,
    cli_export,
    cli_generate,
    cli_logs,
    cli_queue,
)
from groundup.cli_output import Options, complain
from groundup.problems import ClientError


class OneLineProblems(TyperGroup):
    """Says a problem in one line and its remedy in another; a traceback is for --debug."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.TyperException, typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            if isinstance(error, ClientError):
                complain(error.detail, error.remedy)
            else:
                complain(
                    f"{type(error).__name__}: {error}", "a mistake of this program; `groundup --debug ...` shows where, please report it"
                )
            raise typer.Exit(1) from None


app = typer.Typer(cls=OneLineProblems, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def options(
    ctx: typer.Context,
    *,
    url: Annotated[str | None, typer.Option(help="The server's address; else GROUNDUP_URL, else what `groundup login` kept.")] = None,
    token: Annotated[str | None, typer.Option(help="Your token; else GROUNDUP_TOKEN, else what `groundup login` kept.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,  # noqa: ARG001  (read by OneLineProblems)
) -> None:
    """Train language models from scratch on your own machines."""
    ctx.obj = Options(url, token)


cli_logs.app.command("export")(cli_export.export_metrics)
app.add_typer(cli_logs.app, name="run")
app.add_typer(cli_data.data, name="data")
app.add_typer(cli_data.tokenizer, name="tokenizer")
app.add_typer(cli_checkpoints.app, name="checkpoint")
app.command()(cli_generate.generate)
app.add_typer(cli_queue.queue, name="queue")
app.add_typer(cli_queue.worker, name="worker")
app.add_typer(cli_queue.project, name="project")
app.add_typer(cli_account.token, name="token")
app.command()(cli_account.login)
app.command("login-link")(cli_account.login_link)
app.command("emergency-stop")(cli_emergency.emergency_stop)
app.command()(cli_doctor.doctor)
app.command()(cli_demo.demo)


def main() -> None:
    app()
