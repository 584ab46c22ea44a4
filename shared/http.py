"""One way to call another service: JSON in, a contract out, problems raised as our errors."""

from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from shared.errors import (
    Conflict,
    EnvironmentFault,
    FieldError,
    GroundupError,
    InsufficientStorage,
    InvalidFields,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Stale,
    UserError,
)

M = TypeVar("M", bound=BaseModel)
_BY_STATUS: dict[int, type[GroundupError]] = {401: NotAuthenticated, 403: NotAllowed, 404: NotFound, 409: Conflict}


class InternalClient:
    """Calls `/internal/*` of one service. Raises the error the other side reported, EnvironmentFault where it does not answer."""

    def __init__(self, base_url: str, join_secret: str, *, timeout: float = 10.0) -> None:
        self.name = base_url
        self.http = httpx.Client(base_url=base_url, timeout=timeout, headers={"Authorization": f"Bearer {join_secret}"}, trust_env=False)

    def call(self, method: str, path: str, body: BaseModel | None = None, *, timeout: float | None = None) -> Any:
        """`timeout` in seconds, where the answer may take longer than other answers do."""
        wait = self.http.timeout if timeout is None else httpx.Timeout(timeout)
        try:
            response = self.http.request(method, path, json=None if body is None else body.model_dump(mode="json"), timeout=wait)
        except httpx.HTTPError as error:
            raise EnvironmentFault(f"{self.name} does not answer: {error!r}", remedy="`groundup doctor` tells what is down") from error
        if response.is_success:
            return response.json() if response.content else None
        raise problem_error(response)

    def post(self, path: str, body: BaseModel, expect: type[M]) -> M:
        return expect.model_validate(self.call("POST", path, body))

    def get(self, path: str, expect: type[M]) -> M:
        return expect.model_validate(self.call("GET", path))


def problem_error(response: httpx.Response) -> GroundupError:
    """The exception that a problem+json response stands for."""
    try:
        problem: dict[str, Any] = response.json()
    except ValueError:
        problem = {}
    detail, remedy = str(problem.get("detail", f"HTTP {response.status_code}")), str(problem.get("remedy", ""))
    code = str(problem.get("code", ""))
    errors = tuple(FieldError(str(item["field"]), str(item["message"])) for item in problem.get("errors", ()))
    if response.status_code == InvalidFields.status and errors:
        return InvalidFields(errors, remedy=remedy, code=code)
    if code == Stale.code:
        return Stale(detail, remedy=remedy)
    if response.status_code == InsufficientStorage.status:
        return InsufficientStorage(detail, remedy=remedy)
    if response.status_code >= 500:
        return EnvironmentFault(detail, remedy=remedy)
    return _BY_STATUS.get(response.status_code, UserError)(detail, remedy=remedy, errors=errors, code=code)
