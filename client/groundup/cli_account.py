"""`groundup login`, `login-link` and `token ...`"""

from typing import Annotated

import typer

from groundup.cli_output import Json, Options, connect, day, say, show_json, show_table
from groundup.client import Client
from groundup.config import save_login

token = typer.Typer(no_args_is_help=True, help="Tokens: hand out, list, take back (admins only).")


def login(
    ctx: typer.Context,
    *,
    url: Annotated[str | None, typer.Option(help="The server's address.")] = None,
    secret: Annotated[str | None, typer.Option("--token", help="Your token; asked for where it is not given.")] = None,
) -> None:
    """Check a token and keep it, with the server's address, for the commands to come."""
    options = ctx.find_object(Options) or Options()
    given = secret or options.token or typer.prompt("Token", hide_input=True)
    with Client(url or options.url, given) as client:
        me = client.account.me()
        path = save_login(client.config.url, given)
    say(f"You are {me.name} ({me.role}) at {client.config.url}; kept in {path}.")


def login_link(ctx: typer.Context, *, as_json: Json = False) -> None:
    """Print a link that logs a browser in to the dashboard, once."""
    link = connect(ctx).account.login_link()
    if as_json:
        show_json(link)
    else:
        say(f"{link.url}\nIt works once, within {link.expires_in // 60} minutes.")


@token.command("create")
def create_token(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what it is for.")],
    *,
    role: Annotated[str, typer.Option(help="viewer, editor or admin")] = "viewer",
    expires_in_days: Annotated[int | None, typer.Option(min=1)] = None,
    as_json: Json = False,
) -> None:
    """Make a token; it is shown this once."""
    made = connect(ctx).account.create_token(name, role, expires_in_days=expires_in_days)
    if as_json:
        show_json(made)
    else:
        say(f"{made.token}\n{made.id}: {made.name} ({made.role}). Keep it now, it is not shown again.")


@token.command("ls")
def list_tokens(ctx: typer.Context, *, as_json: Json = False) -> None:
    """List tokens, without their secrets."""
    tokens = list(connect(ctx).account.tokens())
    if as_json:
        show_json(tokens)
        return
    rows = [(t.id, t.name, t.role, day(t.expires_at), day(t.last_used_at)) for t in tokens]
    show_table(("id", "name", "role", "expires", "last used"), rows, empty="No tokens.")


@token.command("rm")
def delete_token(ctx: typer.Context, token_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Take a token back; it stops working at once."""
    connect(ctx).account.delete_token(token_id)
    say(f"{token_id} is deleted.")
