"""How the command line shows things."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from groundup.client import Client
from groundup.transport import RETRIES

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@dataclass(frozen=True)
class Options:
    """What was given in front of the command."""

    url: str | None = None
    token: str | None = None


def connect(ctx: typer.Context, *, retries: int = RETRIES) -> Client:
    """A client that is closed when the command ends."""
    options = ctx.find_object(Options) or Options()
    return ctx.with_resource(Client(options.url, options.token, retries=retries))


def console(*, stderr: bool = False) -> Console:
    """Texts from the server are shown as they are. Where nobody looks at a terminal, lines are not wrapped."""
    screen = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    return screen if screen.is_terminal else Console(stderr=stderr, markup=False, highlight=False, emoji=False, width=1000)


def say(text: str, *, style: str | None = None) -> None:
    console().print(text, style=style, soft_wrap=True)


def complain(text: str, remedy: str = "") -> None:
    screen = console(stderr=True)
    screen.print(f"groundup: {' '.join(text.split())}", style="red", soft_wrap=True)
    if remedy:
        screen.print(f"  -> {' '.join(remedy.split())}", soft_wrap=True)


def show_json(value: Any) -> None:
    typer.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    if table.row_count:
        console().print(table)
    else:
        say(empty)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value


def number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def amount(value: float | None) -> str:
    """12345 -> 12.3k"""
    if value is None:
        return ""
    for unit in ("", "k", "M", "G"):
        if abs(value) < 1000:
            return f"{value:.0f}{unit}" if not unit else f"{value:.1f}{unit}"
        value /= 1000
    return f"{value:.1f}T"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: int) -> str:
    return f"{amount(count)}B" if count < 1000 else f"{amount(count)[:-1]} {amount(count)[-1]}B"


def day(at: str | None) -> str:
    """An ISO time without its fraction of a second."""
    return (at or "")[:19].replace("T", " ")
