"""The test server's `/logs`, as docs/http-api.md says, with small pages."""

from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue

PAGE = 3


def add_logs(app: Flask, lines: list[dict[str, Any]]) -> None:
    @app.get("/api/v1/runs/<run_id>/logs")
    def logs(run_id: str) -> ResponseReturnValue:
        asked = request.args
        newest, cursor = asked.get("order") == "newest", asked.get("cursor", type=int)
        first = max(asked.get("from_line", 0, int), 0 if newest else cursor or 0)
        end = cursor if newest and cursor is not None else len(lines)
        numbers = range(end - 1, first - 1, -1) if newest else range(first, end)
        looked = numbers[:PAGE]
        more = len(looked) < len(numbers)
        wanted = [lines[number] for number in looked if matches(lines[number], asked)]
        following = (looked[-1] if newest else looked[-1] + 1) if looked else first
        return {"items": wanted, "next_cursor": str(following) if more else None, "next_line": following}


def matches(line: dict[str, Any], asked: Any) -> bool:
    if asked.get("errors") == "true" and not line["error"]:
        return False
    return asked.get("q", "").lower() in line["text"].lower() and asked.get("rank", line["rank"], int) == line["rank"]


def log_line(number: int, text: str, rank: int = 0) -> dict[str, Any]:
    return {"rank": rank, "line": number, "attempt": 1, "at": "2026-01-01T00:00:00+00:00", "text": text, "error": "Error" in text}
