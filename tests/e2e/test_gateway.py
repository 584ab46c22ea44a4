"""What the gateway adds to every answer."""

import httpx
import pytest

from tests.e2e.stack import Stack


@pytest.mark.parametrize("path", ["/", "/runs", "/api/v1/me", "/api/v1/datasets", "/groundup/no-such-object"])
def test_no_answer_is_run_framed_or_guessed_at(stack: Stack, path: str) -> None:
    headers = httpx.get(stack.url + path).headers
    policy = headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert "default-src 'self'" in policy[0] if not path.startswith("/groundup/") else policy[0].startswith("sandbox")
    assert headers["x-content-type-options"] == "nosniff"


def test_what_the_api_says_is_kept_by_nobody(stack: Stack) -> None:
    token = (stack.data_dir / "admin-token").read_text().strip()
    answer = httpx.get(f"{stack.url}/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


def test_scripts_come_from_here_alone(stack: Stack) -> None:
    policy = dict(part.strip().split(" ", 1) for part in httpx.get(stack.url).headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert "script-src" not in policy
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
