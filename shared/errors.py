"""What can go wrong, named by who can mend it.

GroundupError
├── UserError             the request is at fault: 4xx, says which field and what to do
│   ├── InvalidField      422, a list of fields
│   ├── NotAuthenticated  401
│   ├── NotAllowed        403
│   ├── NotFound          404
│   ├── Conflict          409, the thing is in another state
│   └── Stale             409, a worker acts for an attempt that is no longer its own
└── EnvironmentFault      a part the service needs is missing or broken: 503, says which and how to bring it back
    └── InsufficientStorage   507, there is no room for what is to be stored
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """One field at fault. `field` is a dotted path into the request body; `message` says what is wrong and what would be right."""

    field: str
    message: str


class GroundupError(Exception):
    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, detail: str, *, remedy: str = "", errors: tuple[FieldError, ...] = (), code: str = "") -> None:
        super().__init__(detail)
        self.detail, self.remedy, self.errors = detail, remedy, errors
        self.problem_code = code or self.code

    def problem(self) -> dict[str, object]:
        """The RFC 9457 body."""
        body: dict[str, object] = {
            "type": f"urn:groundup:problem:{self.problem_code}",
            "title": self.problem_code.replace("-", " "),
            "status": self.status,
            "code": self.problem_code,
            "detail": self.detail,
        }
        if self.remedy:
            body["remedy"] = self.remedy
        if self.errors:
            body["errors"] = [{"field": error.field, "message": error.message} for error in self.errors]
        return body


class UserError(GroundupError):
    status, code = 400, "bad-request"


class InvalidField(UserError):
    """`InvalidField("train.batch_size", "12 is not divisible by ...")`, or several with `errors`."""

    status, code = 422, "invalid-field"

    def __init__(self, field: str, message: str, *, remedy: str = "", code: str = "") -> None:
        super().__init__(f"{field}: {message}", remedy=remedy, errors=(FieldError(field, message),), code=code)


class InvalidFields(UserError):
    status, code = 422, "invalid-field"

    def __init__(self, errors: tuple[FieldError, ...], *, remedy: str = "", code: str = "") -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors), remedy=remedy, errors=errors, code=code)


class NotAuthenticated(UserError):
    status, code = 401, "not-authenticated"


class NotAllowed(UserError):
    status, code = 403, "not-allowed"


class NotFound(UserError):
    status, code = 404, "not-found"


class Conflict(UserError):
    status, code = 409, "conflict"


class Stale(UserError):
    status, code = 409, "stale-fence"


class EnvironmentFault(GroundupError):
    status, code = 503, "unavailable"


class InsufficientStorage(EnvironmentFault):
    status, code = 507, "insufficient-storage"
