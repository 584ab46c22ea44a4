"""`groundup doctor`"""

import typer

from groundup.cli_output import Json, connect, console, say, show_json
from groundup.doctor import Finding, diagnose

_WORDS = {"ok": ("OK", "green"), "problem": ("PROBLEM", "red"), "skipped": ("skipped", "dim")}


def doctor(ctx: typer.Context, *, as_json: Json = False) -> None:
    """Look at everything between you and a trained model; say what is wrong and what to do about it."""
    findings = []
    for finding in diagnose(connect(ctx, retries=0)):
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        show_json(findings)
    problems = sum(finding.state == "problem" for finding in findings)
    if not as_json:
        say(f"{problems} problem{'s' if problems != 1 else ''}" if problems else "All is well.")
    if problems:
        raise typer.Exit(1)


def _show(finding: Finding) -> None:
    word, style = _WORDS[finding.state]
    console().print(f"{word:<8}", style=style, end="")
    say(f"{finding.name}: {' '.join(finding.detail.split())}")
    if finding.remedy:
        say(f"         -> {' '.join(finding.remedy.split())}")
