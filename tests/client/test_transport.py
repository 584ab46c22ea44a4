import socket
from collections.abc import Iterator

import pytest
from groundup import ApiProblem, Client, LocalProblem, Unreachable

from tests.client.platform import Platform
from tests.servers import free_port

SPEC = {"name": "r", "dataset": "d", "train": {"steps": 10}}


@pytest.mark.parametrize("faults", [["cut"], [503, "cut", 429, 502]])
def test_a_repeated_post_keeps_its_key_and_creates_once(client: Client, platform: Platform, faults: list[int | str]) -> None:
    platform.faults["/api/v1/runs"] = list(faults)
    run = client.runs.submit(SPEC)
    posts = platform.sent("POST", "/api/v1/runs")
    assert len(posts) == len(faults) + 1
    assert len({post.key for post in posts}) == 1
    assert posts[0].key
    assert list(platform.runs) == [run.id]


def test_two_submissions_have_two_keys(client: Client, platform: Platform) -> None:
    assert client.runs.submit(SPEC).id != client.runs.submit(SPEC).id


def test_patience_ends(client: Client, platform: Platform) -> None:
    pauses: list[float] = []
    client.transport.sleep = pauses.append
    platform.faults["/api/v1/me"] = [503] * 99
    with pytest.raises(ApiProblem, match="is away"):
        client.account.me()
    assert len(pauses) == client.transport.retries
    assert sum(pauses) < 60
    assert pauses[0] < 1 < pauses[-1]


@pytest.mark.parametrize("status", [400, 401, 409, 422, 500])
def test_a_refusal_is_not_repeated(client: Client, platform: Platform, status: int) -> None:
    platform.faults["/api/v1/runs"] = [status]
    with pytest.raises(ApiProblem) as refusal:
        client.runs.submit(SPEC)
    assert (refusal.value.status, refusal.value.code, refusal.value.remedy) == (status, "unavailable", "wait")
    assert len(platform.sent("POST", "/api/v1/runs")) == 1


def test_a_problem_names_its_fields(client: Client) -> None:
    with pytest.raises(ApiProblem) as refusal:
        client.runs.submit({"trian": {}})
    assert [(error.field, error.message) for error in refusal.value.errors] == [("trian", "unknown field; did you mean 'train'?")]


def test_a_server_that_is_not_there(home: object) -> None:
    with Client(f"http://127.0.0.1:{free_port()}", "x", retries=1) as client:
        client.transport.sleep = lambda _seconds: None
        with pytest.raises(Unreachable, match="does not answer") as error:
            client.account.me()
    assert "./run up" in error.value.remedy


def test_a_server_that_is_something_else(client: Client, platform: Platform) -> None:
    platform.objects["page"] = b"<html>"
    with pytest.raises(LocalProblem, match="did not answer with JSON"):
        client.transport.get("/bucket/page")


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_request_that_the_server_may_be_at_work_on_is_not_repeated(silent: str, home: object) -> None:
    with Client(silent, "x") as client:
        client.transport.sleep = lambda _seconds: pytest.fail("it was tried again")
        with pytest.raises(Unreachable, match="did not answer in time"):
            client.transport.post("/api/v1/runs", {}, timeout=0.05)
