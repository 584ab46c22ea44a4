"""What can go wrong for a caller, named by where.

ClientError
├── ApiProblem     the server refused, and says why: status, code, detail, remedy, errors
├── Unreachable    the server does not answer
└── LocalProblem   something on this side: a file that is no text, a download whose hash differs
"""

from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class FieldProblem:
    """One field at fault. `field` is a dotted path into what was sent."""

    field: str
    message: str


class ClientError(Exception):
    def __init__(self, detail: str, *, remedy: str = "") -> None:
        super().__init__(detail)
        self.detail, self.remedy = detail, remedy


class Unreachable(ClientError):
    pass


class LocalProblem(ClientError):
    pass


class ApiProblem(ClientError):
    def __init__(self, detail: str, *, status: int, code: str, remedy: str = "", errors: tuple[FieldProblem, ...] = ()) -> None:
        super().__init__(detail, remedy=remedy)
        self.status, self.code, self.errors = status, code, errors

    @property
    def temporary(self) -> bool:
        """Whether waiting may cure it. A bare 500 is the gateway's own, while the service that knows the tokens restarts."""
        return self.status in {429, 502, 503, 504} or self.code == "http-500"


def problem(response: httpx.Response) -> ApiProblem:
    """What a refusal says. Anything but problem+json (a proxy's own page, say) becomes a problem with the status only."""
    body = _json_object(response)
    errors = tuple(FieldProblem(str(item.get("field", "")), str(item.get("message", ""))) for item in body.get("errors") or [])
    return ApiProblem(
        str(body.get("detail") or f"{response.request.method} {response.request.url.path} answered HTTP {response.status_code}"),
        status=response.status_code,
        code=str(body.get("code", f"http-{response.status_code}")),
        remedy=str(body.get("remedy", "")),
        errors=errors,
    )


def _json_object(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
