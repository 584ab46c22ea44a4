"""Who is asking: the token's principal, tokens for others, links that log a browser in."""

from collections.abc import Iterator
from dataclasses import dataclass

from groundup.records import read
from groundup.transport import Transport


@dataclass(frozen=True)
class Me:
    name: str
    role: str


@dataclass(frozen=True)
class Token:
    """`token` is there only in the answer that created it."""

    id: str
    name: str
    role: str
    token: str | None = None
    created_at: str | None = None
    expires_at: str | None = None
    last_used_at: str | None = None


@dataclass(frozen=True)
class LoginLink:
    """`url` logs a browser in, once. `expires_in`: seconds."""

    url: str
    expires_in: int


class Account:
    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def me(self) -> Me:
        return read(Me, self.transport.get("/api/v1/me"))

    def tokens(self) -> Iterator[Token]:
        return (read(Token, item) for item in self.transport.items("/api/v1/tokens"))

    def create_token(self, name: str, role: str, *, expires_in_days: int | None = None) -> Token:
        """The answer is the only one that ever shows the token. role: viewer, editor or admin."""
        body = {"name": name, "role": role} | ({} if expires_in_days is None else {"expires_in_days": expires_in_days})
        return read(Token, self.transport.post("/api/v1/tokens", body))

    def delete_token(self, token_id: str) -> None:
        self.transport.delete(f"/api/v1/tokens/{token_id}")

    def login_link(self) -> LoginLink:
        return read(LoginLink, self.transport.post("/api/v1/login-links"))
