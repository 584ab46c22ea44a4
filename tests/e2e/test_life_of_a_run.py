"""Text goes in, a transformer trains, its curve is recorded, its checkpoint lies in S3, it answers a prompt."""

import json

import httpx
import msgpack
import pytest
import websocket
from groundup import Client
from groundup.generation import Sampling

from tests.e2e.runs import spec, wait_for_history
from tests.e2e.stack import Stack
from tests.servers import wait_until

STEPS = 120


@pytest.fixture(scope="module")
def run_id(stack: Stack, dataset: str, tokenizer: str) -> str:
    with stack.client() as client:
        plan = spec(
            "first",
            dataset,
            tokenizer,
            steps=STEPS,
            evaluate={"every": 40, "batches": 4},
            checkpoint={"every": 60},
            sample={"every": 120, "prompts": ["def "], "max_new_tokens": 8},
        )
        run = client.runs.wait(client.runs.submit(plan).id, timeout=180)
        assert run.succeeded, run
        return run.id


@pytest.mark.timeout(300)
def test_the_loss_fell_and_every_step_is_recorded_once(client: Client, run_id: str) -> None:
    wait_for_history(client, run_id, STEPS)
    (validation,) = client.history.metrics(run_id, ["val/loss"])
    assert validation.x == [0, 40, 80, 120]
    assert (validation.last[-1] or 99) < 0.8 * (validation.last[0] or 0)


def test_its_events_tell_the_story(client: Client, run_id: str) -> None:
    def told() -> list[str]:
        return [event.event["type"] for event in client.history.events(run_id)]

    wait_until(lambda: "AttemptEnded" in told() and "TrainingEnded" in told(), "the last events")
    assert {"RunCreated", "AttemptPlaced", "AttemptClaimed", "TrainingStarted", "CheckpointCommitted", "SampleGenerated"} <= set(told())
    assert len(list(client.history.samples(run_id))) >= 1


def test_its_checkpoint_verifies_until_a_byte_is_flipped(stack: Stack, client: Client, run_id: str) -> None:
    newest = client.checkpoints.newest(run_id)
    assert newest is not None
    assert newest.step == STEPS
    assert {"model.safetensors", "tokenizer.json", "manifest.json"} <= {file.name for file in newest.files}
    assert client.checkpoints.verify(newest.id) == []
    (stored,) = (stack.data_dir / "s3").glob(f"*/checkpoints/*/{newest.id}/model.safetensors")
    right = stored.read_bytes()
    stored.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    assert [file.name for file in client.checkpoints.verify(newest.id)] == ["model.safetensors"]
    stored.write_bytes(right)


def test_it_answers_the_same_for_the_same_seed(client: Client, run_id: str) -> None:
    def answer(seed: int) -> str:
        return client.generator.generate(run_id, ["import "], Sampling(max_new_tokens=24, seed=seed)).outputs[0].text

    assert answer(1) == answer(1)
    assert answer(1) != answer(2)
    streamed = client.generator.stream(run_id, "import ", Sampling(max_new_tokens=24, seed=1))
    assert "".join(token.text for token in streamed) == answer(1)


def test_a_socket_replays_the_run_without_a_hole(stack: Stack, client: Client, run_id: str) -> None:
    ticket = client.transport.post("/api/v1/ws-tickets")["ticket"]
    address = stack.url.replace("http", "ws") + f"/ws/v1?ticket={ticket}"
    socket = websocket.create_connection(address, timeout=20, origin=stack.url)
    try:
        socket.send_binary(msgpack.packb({"type": "subscribe", "topic": run_id, "epoch": None, "since": 0}))
        here = msgpack.unpackb(socket.recv())
        assert here["type"] == "subscribed"
        socket.send_binary(msgpack.packb({"type": "unsubscribe", "topic": run_id}))
        socket.send_binary(msgpack.packb({"type": "subscribe", "topic": run_id, "epoch": here["epoch"], "since": 0}))
        seen: list[int] = []
        while not seen or seen[-1] < here["seq"]:
            frame = msgpack.unpackb(socket.recv())
            seen += [envelope["seq"] for envelope in frame.get("items", [])]
    finally:
        socket.close()
    assert seen == list(range(1, here["seq"] + 1))
    with pytest.raises(websocket.WebSocketBadStatusException, match="401"):
        websocket.create_connection(address, timeout=20, origin=stack.url)


def test_a_run_can_be_stopped_and_deleted(client: Client, dataset: str) -> None:
    run = client.runs.submit(spec("endless", dataset, "byte", steps=100_000, checkpoint={"every": 100_000}))
    wait_until(lambda: client.runs.get(run.id).progress.step > 3, "the first steps", 60)
    client.runs.stop(run.id)
    assert client.runs.wait(run.id, timeout=60).state == "stopped"
    newest = client.checkpoints.newest(run.id)
    assert newest is not None, "a stop leaves a checkpoint"
    client.runs.delete(run.id)
    assert run.id not in [other.id for other in client.runs.list()]
    assert newest.id not in [other.id for other in client.checkpoints.list()]
    wait_until(lambda: not client.history.metrics(run.id), "its history is gone too")


class TestTheGateway:
    def test_no_token_no_answer(self, stack: Stack) -> None:
        for path in ("/api/v1/runs", "/api/v1/datasets", "/api/v1/runs/x/metrics", "/api/v1/me"):
            answer = httpx.get(stack.url + path, headers={"X-Groundup-Principal": "me", "X-Groundup-Role": "admin"})
            assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json"), path
            assert "Bearer" in answer.json()["remedy"]

    def test_internal_paths_do_not_exist_outside(self, stack: Stack) -> None:
        assert "<html" in httpx.get(f"{stack.url}/internal/auth").text
        assert httpx.post(f"{stack.url}/internal/workers/x/heartbeat", json={}).status_code == 405

    def test_a_foreign_host_or_origin_is_refused(self, stack: Stack, client: Client) -> None:
        assert httpx.get(f"{stack.url}/api/v1/runs", headers={"Host": "evil.example"}).json()["code"] == "unknown-host"
        ticket = client.transport.post("/api/v1/ws-tickets")["ticket"]
        with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
            websocket.create_connection(
                stack.url.replace("http", "ws") + f"/ws/v1?ticket={ticket}", timeout=20, origin="http://evil.example"
            )

    def test_a_viewer_may_look_but_not_submit(self, stack: Stack, client: Client, dataset: str) -> None:
        token = client.account.create_token("looker", "viewer").token
        with httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {token}"}) as http:
            assert http.get("/api/v1/runs").status_code == 200
            refused = http.post("/api/v1/runs", json=spec("x", dataset, "byte"))
        assert refused.status_code == 403
        assert "editor" in refused.json()["remedy"]

    def test_a_login_link_works_once(self, stack: Stack, client: Client) -> None:
        code = client.account.login_link().url.split("code=")[1]
        with httpx.Client(base_url=stack.url) as browser:
            assert browser.post("/api/v1/login", json={"code": code}).is_success
            assert browser.get("/api/v1/me").json()["role"] == "admin"
            foreign = browser.post("/api/v1/tokens", json={"name": "x", "role": "admin"}, headers={"Origin": "http://evil.example"})
            assert foreign.status_code == 403
            assert browser.post("/api/v1/login", json={"code": code}).status_code == 401

    def test_one_document_describes_every_service(self, stack: Stack) -> None:
        paths = json.loads(httpx.get(f"{stack.url}/api/openapi.json").text)["paths"]
        assert {"/api/v1/runs", "/api/v1/datasets", "/api/v1/runs/{run_id}/metrics"} <= set(paths)
