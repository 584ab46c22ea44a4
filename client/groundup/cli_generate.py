"""`groundup generate`"""

from typing import Annotated

import typer

from groundup.cli_output import Json, connect, say, show_json
from groundup.generation import Sampling


def generate(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A run (its newest checkpoint) by id or name, an alias as project/name, or with --checkpoint one's id."
        ),
    ],
    *,
    prompt: Annotated[str, typer.Option(help="How the text begins.")],
    checkpoint: Annotated[bool, typer.Option("--checkpoint", help="The argument is a checkpoint's id.")] = False,
    max_new_tokens: Annotated[int, typer.Option(min=1)] = 100,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 always takes the likeliest token.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(min=1)] = None,
    top_p: Annotated[float | None, typer.Option(min=0.0, max=1.0)] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same text.")] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Show each token as it comes.")] = False,
    as_json: Json = False,
) -> None:
    """Let a trained model continue a prompt."""
    client = connect(ctx)
    chosen = source if checkpoint or "/" in source else client.runs.find(source).id
    sampling = Sampling(max_new_tokens, temperature, top_k, top_p, seed)
    if stream:
        typer.echo(prompt, nl=False)
        for token in client.generator.stream(chosen, prompt, sampling):
            typer.echo(token.text, nl=False)
        typer.echo()
        return
    result = client.generator.generate(chosen, [prompt], sampling)
    if as_json:
        show_json(result)
        return
    for output in result.outputs:
        say(prompt + output.text)
