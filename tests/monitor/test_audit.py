"""Who asked the monitor to change what."""

from typing import Any

from tests.conftest import headers

ADMIN = headers("admin")


def test_every_writing_request_leaves_an_audit_row(http: Any, editor: dict[str, str]) -> None:
    http.get("/api/v1/alerts", headers=editor)
    http.post("/api/v1/alerts/none/acknowledge", json={}, headers=editor)
    http.post("/api/v1/notifications", json={"name": "x", "url": "https://1.1.1.1/hook?key=secret"}, headers=ADMIN)
    http.delete("/api/v1/notifications/ntf_1", headers=headers("viewer"))
    http.post("/api/v1/notifications", json={})
    http.post("/api/v1/ws-tickets", headers=ADMIN)
    page = http.get("/api/v1/audit/monitor?limit=3", headers=ADMIN).json
    rest = http.get(f"/api/v1/audit/monitor?cursor={page['next_cursor']}", headers=ADMIN).json
    assert [(row["who"], row["role"], row["method"], row["path"], row["status"]) for row in page["items"] + rest["items"]] == [
        ("", "", "POST", "/api/v1/notifications", 401),
        ("test-viewer", "viewer", "DELETE", "/api/v1/notifications/ntf_1", 403),
        ("test-admin", "admin", "POST", "/api/v1/notifications", 201),
        ("test-editor", "editor", "POST", "/api/v1/alerts/none/acknowledge", 404),
    ]
    assert rest["next_cursor"] is None


def test_it_is_for_admins(http: Any, editor: dict[str, str]) -> None:
    assert http.get("/api/v1/audit/monitor", headers=editor).status_code == 403
