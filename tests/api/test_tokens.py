"""Tokens, login links, sessions, and what the gateway is told."""

import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.api.models import AuditRow, IdempotencyKey, LoginCode, Token
from services.api.tokens import ensure_admin_token
from tests.api.stage import Stage
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET, headers

ADMIN = headers("admin")
DAY = 86_400


def create(stage: Stage, name: str = "ci", role: str = "editor", **fields: Any) -> Any:
    return stage.http.post("/api/v1/tokens", json={"name": name, "role": role, **fields}, headers=ADMIN)


def ask(stage: Stage, **sent: str) -> Any:
    """What the gateway asks. Keywords are headers, `_` for `-`."""
    given = {name.replace("_", "-"): value for name, value in sent.items()}
    return stage.http.get("/internal/auth", headers={"X-Groundup-Gateway": GATEWAY_SECRET, "X-Original-Method": "GET", **given})


def log_in(stage: Stage, role: str = "editor", **sent: str) -> Any:
    url = stage.http.post("/api/v1/login-links", headers=headers(role)).json["url"]
    return stage.http.post("/api/v1/login", json={"code": url.split("#code=")[1]}, headers=sent)


def cookie_of(answer: Any) -> str:
    return str(answer.headers["Set-Cookie"].split(";")[0])


def test_a_token_is_shown_once_and_stored_as_a_digest(both: Stage) -> None:
    made = create(both, expires_in_days=7)
    assert made.status_code == 201
    token = made.json["token"]
    assert token.startswith("gu_")
    assert len(token) == 46
    answer = ask(both, Authorization=f"Bearer {token}")
    assert (answer.status_code, answer.headers["X-Groundup-Principal"], answer.headers["X-Groundup-Role"]) == (200, "ci", "editor")
    (listed,) = both.get("/api/v1/tokens", "admin")["items"]
    assert "token" not in listed
    assert (listed["name"], listed["role"], listed["created_by"], listed["last_used_at"]) == (
        "ci",
        "editor",
        "test-admin",
        listed["created_at"],
    )
    with both.database.reading() as session:
        (row,) = session.scalars(select(Token))
        assert token not in {row.digest, row.id, row.name}
        assert session.scalars(select(IdempotencyKey)).all() == []


def rights(stage: Stage, *credentials: str, secret: str = JOIN_SECRET) -> Any:
    return stage.http.post("/internal/rights", json={"credentials": credentials}, headers={"Authorization": f"Bearer {secret}"})


def test_the_monitor_hears_whose_rights_are_over(both: Stage) -> None:
    lasting, passing = create(both, "lasting").json, create(both, "passing", expires_in_days=1).json
    browser = cookie_of(log_in(both))
    session = ask(both, Cookie=browser).headers["X-Groundup-Credential"]
    shown = ask(both, Authorization=f"Bearer {lasting['token']}").headers["X-Groundup-Credential"]
    assert shown == lasting["id"]
    everybody = [lasting["id"], passing["id"], session]
    assert rights(both, *everybody, "tok_made_up", "").json == {"valid": sorted(everybody)}
    assert both.http.post("/api/v1/logout", headers={**headers("editor"), "Cookie": browser}).status_code == 204
    both.clock.now += 2 * DAY
    assert rights(both, *everybody).json == {"valid": [lasting["id"]]}
    both.http.delete(f"/api/v1/tokens/{lasting['id']}", headers=ADMIN)
    assert rights(both, *everybody).json == {"valid": []}
    assert rights(both, *(f"tok_{number}" for number in range(2000))).json == {"valid": []}
    assert rights(both, *map(str, range(10_001))).status_code == 422
    assert rights(both, lasting["id"], secret="guessed").status_code == 401


def test_tokens_expire_and_are_deleted(stage: Stage) -> None:
    short, long = create(stage, "short", expires_in_days=1).json, create(stage, "long").json
    stage.now += DAY + 1
    assert ask(stage, Authorization=f"Bearer {short['token']}").status_code == 401
    assert ask(stage, Authorization=f"Bearer {long['token']}").status_code == 200
    assert stage.http.delete(f"/api/v1/tokens/{long['id']}", headers=ADMIN).status_code == 204
    assert ask(stage, Authorization=f"Bearer {long['token']}").status_code == 401
    assert stage.http.delete(f"/api/v1/tokens/{long['id']}", headers=ADMIN).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "ci", "role": "emperor"}, "role"),
        ({"name": "Not A Name", "role": "viewer"}, "name"),
        ({"role": "viewer"}, "name"),
        ({"name": "ci2", "role": "viewer", "expires_in_days": 0}, "expires_in_days"),
        ({"name": "taken", "role": "viewer"}, "name"),
    ],
)
def test_bad_tokens_are_refused(stage: Stage, body: dict[str, Any], field: str) -> None:
    create(stage, "taken")
    answer = stage.http.post("/api/v1/tokens", json=body, headers=ADMIN)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
    assert len(stage.get("/api/v1/tokens", "admin")["items"]) == 1


def test_only_an_admin_handles_tokens(stage: Stage) -> None:
    for role in ("viewer", "editor"):
        assert stage.http.get("/api/v1/tokens", headers=headers(role)).status_code == 403
        assert stage.http.post("/api/v1/tokens", json={"name": "x", "role": "admin"}, headers=headers(role)).status_code == 403
        assert stage.http.delete("/api/v1/tokens/tok_x", headers=headers(role)).status_code == 403


def test_the_first_start_writes_an_admin_token(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "data" / "admin-token"
    ensure_admin_token(stage.database, file.parent, stage.now)
    first = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    answer = ask(stage, Authorization=f"Bearer {first}")
    assert (answer.headers["X-Groundup-Principal"], answer.headers["X-Groundup-Role"]) == ("admin", "admin")
    ensure_admin_token(stage.database, file.parent, stage.now)
    assert file.read_text().strip() == first
    (listed,) = stage.get("/api/v1/tokens", "admin")["items"]
    stage.http.delete(f"/api/v1/tokens/{listed['id']}", headers=ADMIN)
    ensure_admin_token(stage.database, file.parent, stage.now)
    assert file.read_text().strip() != first


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer wrong", "Basic Z3U6", "Bearer gu_\xff"])
def test_a_wrong_or_missing_token_is_401(stage: Stage, sent: str) -> None:
    answer = ask(stage, **({"Authorization": sent} if sent else {}))
    assert (answer.status_code, answer.json["code"]) == (401, "not-authenticated")
    assert "Authorization: Bearer" in answer.json["remedy"]


def test_who_am_i(stage: Stage) -> None:
    assert stage.get("/api/v1/me") == {"name": "test-viewer", "role": "viewer"}


def test_a_login_link_works_once(both: Stage) -> None:
    made = both.http.post("/api/v1/login-links", headers=headers("viewer"))
    assert (made.status_code, made.json["expires_in"]) == (201, 600)
    url, code = made.json["url"].split("#code=")
    assert url == "http://localhost:8080/login"
    first = both.http.post("/api/v1/login", json={"code": code})
    assert (first.status_code, first.json) == (200, {"name": "test-viewer", "role": "viewer"})
    flags = {flag.strip() for flag in first.headers["Set-Cookie"].split(";")[1:]}
    assert {"HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={30 * DAY}"} <= flags
    assert "Secure" not in flags
    again = both.http.post("/api/v1/login", json={"code": code})
    assert (again.status_code, again.json["code"]) == (401, "not-authenticated")
    assert "new link" in again.json["remedy"]
    assert "Set-Cookie" not in again.headers
    with both.database.reading() as session:
        assert code not in {row.digest for row in session.scalars(select(LoginCode))}


def test_old_and_invented_codes_are_refused(stage: Stage) -> None:
    code = stage.http.post("/api/v1/login-links", headers=headers("editor")).json["url"].split("#code=")[1]
    stage.now += 601
    for tried in (code, "invented"):
        assert stage.http.post("/api/v1/login", json={"code": tried}).status_code == 401
    assert stage.http.post("/api/v1/login", json={}).status_code == 422


def test_a_session_reads_and_writes_from_our_own_pages_only(stage: Stage) -> None:
    cookie = cookie_of(log_in(stage))
    assert ask(stage, Cookie=cookie).headers["X-Groundup-Role"] == "editor"
    writing = {"Cookie": cookie, "X_Original_Method": "POST"}
    assert ask(stage, **writing, Origin="http://localhost:8080").status_code == 200, "the public address"
    assert ask(stage, **writing, Origin="http://127.0.0.1:9999", X_Original_Host="127.0.0.1:9999").status_code == 200
    foreign = ("http://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1:3000", "http://127.0.0.1")
    for origin in ({}, *({"Origin": page} for page in foreign)):
        answer = ask(stage, **writing, **origin, X_Original_Host="127.0.0.1:9999")
        assert (answer.status_code, answer.json["code"]) == (403, "foreign-origin")
    stage.now += 30 * DAY + 1
    assert ask(stage, Cookie=cookie).status_code == 401


def test_a_session_cookie_is_no_bearer_token_and_a_token_no_cookie(stage: Stage) -> None:
    cookie, token = cookie_of(log_in(stage)), create(stage).json["token"]
    assert ask(stage, Authorization=f"Bearer {cookie.split('=')[1]}").status_code == 401
    assert ask(stage, Cookie=f"groundup_session={token}").status_code == 401


def test_logging_in_from_a_foreign_page_is_refused(stage: Stage) -> None:
    assert log_in(stage, Origin="http://evil.example").status_code == 403
    assert log_in(stage, Origin="http://127.0.0.1:3000", Host="127.0.0.1:9999").status_code == 403
    assert log_in(stage, Origin="http://127.0.0.1:9999", Host="127.0.0.1:9999").status_code == 200
    assert "Secure" in log_in(stage, **{"X-Forwarded-Proto": "https"}).headers["Set-Cookie"]


def test_logging_out_ends_the_session(stage: Stage) -> None:
    cookie = cookie_of(log_in(stage, "viewer"))
    answer = stage.http.post("/api/v1/logout", headers={**headers("viewer"), "Cookie": cookie})
    assert (answer.status_code, cookie_of(answer)) == (204, "groundup_session=")
    assert ask(stage, Cookie=cookie).status_code == 401


def test_deleting_a_token_ends_its_sessions(stage: Stage) -> None:
    made = create(stage, "test-editor", expires_in_days=1).json
    cookie = cookie_of(log_in(stage))
    assert ask(stage, Cookie=cookie).status_code == 200
    stage.http.delete(f"/api/v1/tokens/{made['id']}", headers=ADMIN)
    assert ask(stage, Cookie=cookie).status_code == 401


def test_a_session_does_not_outlive_its_token(stage: Stage) -> None:
    create(stage, "test-editor", expires_in_days=1)
    cookie = cookie_of(log_in(stage))
    stage.now += DAY + 1
    assert ask(stage, Cookie=cookie).status_code == 401


def test_the_gateway_fetches_the_bodies_of_its_own_problems(stage: Stage) -> None:
    gateway = {"X-Groundup-Gateway": GATEWAY_SECRET}
    for status in (401, 403):
        answer = stage.http.get(f"/internal/problem/{status}", headers=gateway)
        assert (answer.status_code, answer.json["status"], answer.content_type) == (status, status, "application/problem+json")
        assert answer.json["remedy"]
    assert stage.http.get("/internal/problem/500", headers=gateway).status_code == 404


def test_every_writing_request_leaves_an_audit_row(stage: Stage) -> None:
    stage.get("/api/v1/me")
    create(stage)
    stage.http.post("/api/v1/runs", json={}, headers=headers("viewer"))
    stage.http.post("/api/v1/login", json={"code": "invented"})
    with stage.database.reading() as session:
        rows = [(row.who, row.role, row.method, row.path, row.status) for row in session.scalars(select(AuditRow).order_by(AuditRow.id))]
    assert rows == [
        ("test-admin", "admin", "POST", "/api/v1/tokens", 201),
        ("test-viewer", "viewer", "POST", "/api/v1/runs", 403),
        ("", "", "POST", "/api/v1/login", 401),
    ]


def test_admins_read_the_audit_in_pages_newest_first(both: Stage) -> None:
    for name in ("a", "b", "c"):
        create(both, name)
    both.http.post("/api/v1/runs", json={}, headers=headers("viewer"))
    page = both.get("/api/v1/audit?limit=3", "admin")
    first = {"at": "2023-11-14T22:13:20.000+00:00", "who": "test-viewer", "role": "viewer", "method": "POST", "path": "/api/v1/runs"}
    assert page["items"][0] == {**first, "status": 403}
    rest = both.get(f"/api/v1/audit?limit=3&cursor={page['next_cursor']}", "admin")
    assert [row["path"] for row in page["items"][1:] + rest["items"]] == ["/api/v1/tokens"] * 3
    assert rest["next_cursor"] is None
    refused = both.http.get("/api/v1/audit", headers=headers("editor"))
    assert (refused.status_code, refused.json["code"]) == (403, "not-allowed")
    assert both.http.get("/api/v1/audit?cursor=x", headers=ADMIN).status_code == 422
    assert both.http.get(f"/api/v1/audit?cursor={10**17}", headers=ADMIN).status_code == 200
