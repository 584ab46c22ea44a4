"""Submit, check, list, show, delete."""

from typing import Any

import pytest

from services.api.models import Run
from shared.errors import EnvironmentFault
from tests.api.stage import SPEC, Stage
from tests.conftest import headers

EDITOR = headers("editor")


def count_runs(stage: Stage) -> int:
    with stage.database.reading() as session:
        return session.query(Run).count()


def test_a_submitted_run_is_complete_and_frozen(both: Stage) -> None:
    run = both.submit()
    assert (run["state"], run["created_by"], run["attempts"]) == ("queued", "test-editor", [])
    assert run["created_at"] == "2023-11-14T22:13:20.000+00:00"
    assert run.pop("warnings") == []
    assert run["spec"]["model"]["n_embd"] == 128
    assert run["spec"]["train"]["optimizer"]["name"] == "adamw"
    assert run["resolved"]["dataset"] == {"id": "ds_1", "name": "novels", "version": 3, "bytes": 1_000_000}
    assert run["progress"] == {"step": 0, "steps": 100, "tokens": 0, "loss": None, "tokens_per_second": None, "eta_seconds": None}
    assert both.run(run["id"]) == run
    assert [event["type"] for event in both.events(run["id"])] == ["RunCreated"]
    assert [(event["old"], event["new"]) for event in both.events("cluster")] == [("", "queued")]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"optimiser": {}}, "optimiser", "unknown field"),
        ({"train": {"batchsize": 4}}, "train.batchsize", "did you mean 'batch_size'?"),
        ({"train": {"batch_size": 3}, "compute": {"processes_per_node": 2}}, "train.batch_size", "use a multiple of 2"),
        ({"dataset": "nothing"}, "dataset", "there is no dataset 'nothing'"),
        ({"name": "Not A Name"}, "name", "pattern"),
        ({"train": {"batch_size": 4000}}, "dataset", "smaller than a batch"),
        ({"compute": {"processes_per_node": 4}}, "compute.processes_per_node", "use at most 2"),
        ({"compute": {"device": "cuda"}}, "compute.processes_per_node", "0 cuda slots"),
    ],
)
def test_a_bad_spec_names_field_and_remedy_and_leaves_nothing(stage: Stage, change: dict[str, Any], field: str, words: str) -> None:
    stage.beat(slots=2)
    answer = stage.http.post("/api/v1/runs", json={**SPEC, **change}, headers=EDITOR)
    assert (answer.status_code, answer.content_type, answer.json["code"]) == (422, "application/problem+json", "invalid-field")
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert words in answer.json["errors"][0]["message"]
    assert count_runs(stage) == 0

    checked = stage.http.post("/api/v1/runs/validate", json={**SPEC, **change}, headers=EDITOR)
    assert checked.status_code == 200
    assert checked.json == {"valid": False, "errors": answer.json["errors"], "warnings": [], "estimate": None}


@pytest.mark.parametrize("body", [b"", b"{", b'"text"', b"[1]", b"null", b"\xff\xfe"])
def test_what_is_no_spec_at_all_is_a_problem(stage: Stage, body: bytes) -> None:
    answer = stage.http.post("/api/v1/runs", data=body, content_type="application/json", headers=EDITOR)
    assert answer.status_code == 422
    assert answer.json["errors"]


def test_several_mistakes_are_told_at_once(stage: Stage) -> None:
    spec = {**SPEC, "model": {"n_embd": 130}, "train": {"batch_size": 3}, "compute": {"processes_per_node": 2}}
    errors = stage.http.post("/api/v1/runs/validate", json=spec, headers=EDITOR).json["errors"]
    assert {error["field"] for error in errors} == {"train.batch_size", "model.n_embd"}
    stage.beat(slots=1)
    spec = {**SPEC, "train": {"batch_size": 4000}, "compute": {"processes_per_node": 2}}
    errors = stage.http.post("/api/v1/runs/validate", json=spec, headers=EDITOR).json["errors"]
    assert {error["field"] for error in errors} == {"dataset", "compute.processes_per_node"}


def test_the_holdout_must_hold_a_batch_too(stage: Stage) -> None:
    stage.storage.bytes = 12 * 64 * 5
    answer = stage.http.post("/api/v1/runs", json=SPEC, headers=EDITOR)
    assert answer.status_code == 422
    assert "its holdout has about 384 tokens of 769" in answer.json["errors"][0]["message"]
    assert "training share" not in answer.json["errors"][0]["message"]


def test_a_good_spec_is_estimated(stage: Stage) -> None:
    cost = stage.http.post("/api/v1/runs/validate", json=SPEC, headers=EDITOR).json
    assert cost["valid"] is True
    parameters = 257 * 128 + 4 * 12 * 128 * 128
    assert cost["estimate"]["parameters"] == parameters
    assert cost["estimate"]["tokens"] == 100 * 12 * 64
    assert cost["estimate"]["flops"] == 100 * 12 * 64 * (6 * parameters + 12 * 4 * 128 * 64)
    assert 12 * parameters < cost["estimate"]["checkpoint_bytes"] < 12.5 * parameters
    assert cost["estimate"]["memory_bytes_per_device"] > 16 * parameters
    assert (cost["estimate"]["duration_seconds"], cost["estimate"]["cost_usd"]) == (None, None)
    assert count_runs(stage) == 0


def test_storage_that_is_down_is_told_as_such(stage: Stage) -> None:
    stage.storage.fault = EnvironmentFault("storage does not answer")
    for path in ("/api/v1/runs", "/api/v1/runs/validate"):
        answer = stage.http.post(path, json=SPEC, headers=EDITOR)
        assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert count_runs(stage) == 0


def test_a_repeated_key_submits_once(both: Stage) -> None:
    with_key = {**EDITOR, "Idempotency-Key": "k"}
    first = both.http.post("/api/v1/runs", json=SPEC, headers=with_key)
    again = both.http.post("/api/v1/runs", json=SPEC, headers=with_key)
    assert first.json == again.json
    assert count_runs(both) == 1
    other = both.http.post("/api/v1/runs", json={**SPEC, "name": "other"}, headers=with_key)
    assert other.json["code"] == "idempotency-key-reused"
    both.storage.fault = EnvironmentFault("storage does not answer")
    assert both.http.post("/api/v1/runs", json=SPEC, headers=with_key).json == first.json


def test_lists_filter_and_page(both: Stage) -> None:
    names = ["alpha", "beta", "alphabet"]
    for number, name in enumerate(names):
        both.now += number % 2  # two of them at the same moment
        both.submit(name=name, project="p" if name == "beta" else "default")
    both.command(both.get("/api/v1/runs?q=beta&project=p")["items"][0]["id"], "kill")

    def listed(query: str) -> list[str]:
        return sorted(item["name"] for item in both.get(f"/api/v1/runs?{query}")["items"])

    assert listed("") == sorted(names)
    assert listed("state=killed") == ["beta"]
    assert listed("state=queued&q=alpha") == ["alpha", "alphabet"]
    assert listed("project=p") == ["beta"]
    assert listed("q=%25") == []
    assert listed("q=ALPHA") == ["alpha", "alphabet"]

    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = both.get(f"/api/v1/runs?limit=1{cursor and '&cursor=' + cursor}")
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == sorted(names)


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "cursor=@@", "cursor=eA==", "state=flying", "colour=red", "q=%00", "limit=many"])
def test_bad_queries_are_problems(stage: Stage, query: str) -> None:
    answer = stage.http.get(f"/api/v1/runs?{query}", headers=EDITOR)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == query.split("=")[0]


def test_only_what_has_ended_is_deleted(both: Stage) -> None:
    run, attempt, fence = both.running()
    both.commit(attempt, fence, "ckpt_1", 10)
    refused = both.http.delete(f"/api/v1/runs/{run['id']}", headers=EDITOR)
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    both.report(attempt, fence, "succeeded")

    both.storage.fault = EnvironmentFault("storage is down")
    assert both.http.delete(f"/api/v1/runs/{run['id']}", headers=EDITOR).status_code == 503
    assert both.run(run["id"])["state"] == "succeeded"

    both.storage.fault = None
    assert both.http.delete(f"/api/v1/runs/{run['id']}", headers=EDITOR).status_code == 204
    assert both.storage.deleted == [run["id"]]
    for path in (f"/api/v1/runs/{run['id']}", f"/api/v1/runs/{run['id']}/checkpoints", "/api/v1/checkpoints/ckpt_1"):
        assert both.http.get(path, headers=EDITOR).status_code == 404
    assert both.events(run["id"])[-1]["type"] == "RunDeleted"


@pytest.mark.parametrize("path", ["", "/commands", "/checkpoints"])
def test_an_unknown_run_is_not_found(stage: Stage, path: str) -> None:
    assert stage.http.get(f"/api/v1/runs/run_x{path}", headers=EDITOR).json["code"] == "not-found"
    assert stage.http.get(f"/api/v1/runs/%00{path}", headers=EDITOR).status_code == 422
