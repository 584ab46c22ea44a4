"""Pins and names: unique per project, moved in one step, and good for whatever takes a checkpoint."""

from typing import Any

import pytest
from sqlalchemy import event

from tests.api.stage import Stage
from tests.conftest import headers

EDITOR = headers("editor")


def change(stage: Stage, checkpoint: str, **body: Any) -> Any:
    return stage.http.patch(f"/api/v1/checkpoints/{checkpoint}", json=body, headers=EDITOR)


def saved(stage: Stage, name: str, *steps: int, **spec: Any) -> str:
    """A run with checkpoints <name>_<step>; its attempt's id goes to nobody."""
    run, attempt, fence = stage.running(name=name, **spec)
    for step in steps:
        assert stage.commit(attempt, fence, f"{name}_{step}", step).status_code == 204
    stage.report(attempt, fence, "succeeded")
    return str(run["id"])


def test_a_checkpoint_tells_everything_of_itself(both: Stage) -> None:
    run = saved(both, "novel", 10)
    told = change(both, "novel_10", pinned=True, aliases=["production", "best"]).json
    assert told.pop("moved") == [{"alias": "best", "before": None}, {"alias": "production", "before": None}]
    assert told == both.get("/api/v1/checkpoints/novel_10")
    expected = {
        "run_id": run,
        "run_name": "novel",
        "project": "default",
        "state": "committed",
        "damage": "",
        "pinned": True,
        "pinned_by": "test-editor",
        "aliases": ["best", "production"],
        "expires_at": None,
    }
    assert {name: told[name] for name in expected} == expected
    assert told["verified_at"] == told["created_at"]
    policy = ["newest", "one of the last 3", "best val/loss (2.5)"]
    assert told["kept_because"] == [*policy, "pinned by test-editor", "alias best", "alias production"]


def test_promoting_moves_an_alias_and_says_from_where(both: Stage) -> None:
    saved(both, "a", 10, 20)
    saved(both, "b", 10)
    change(both, "a_10", aliases=["production"])
    assert change(both, "a_10", aliases=["production"]).json["moved"] == [], "it is there already"
    assert change(both, "b_10", aliases=["production", "new"]).json["moved"] == [
        {"alias": "new", "before": None},
        {"alias": "production", "before": "a_10"},
    ]
    assert both.get("/api/v1/checkpoints/a_10")["aliases"] == []
    assert change(both, "b_10", aliases=["production"]).json["aliases"] == ["production"]
    assert change(both, "b_10", pinned=True).json["aliases"] == ["production"], "what is absent stays"
    assert change(both, "b_10", aliases=[]).json["aliases"] == []
    assert both.get("/api/v1/checkpoints/b_10")["pinned"] is True
    assert change(both, "b_10", pinned=False).json["pinned_by"] is None


def test_the_same_name_in_two_projects_is_two_aliases(both: Stage) -> None:
    saved(both, "a", 10)
    saved(both, "b", 10, project="poems")
    change(both, "a_10", aliases=["production"])
    assert change(both, "b_10", aliases=["production"]).json["moved"] == [{"alias": "production", "before": None}]
    listed = [(item["project"], item["name"], item["checkpoint_id"]) for item in both.get("/api/v1/aliases")["items"]]
    assert listed == [("default", "production", "a_10"), ("poems", "production", "b_10")]
    page = both.get("/api/v1/aliases?limit=1")
    assert page["next_cursor"] == "default/production"
    assert [item["project"] for item in both.get("/api/v1/aliases?limit=1&cursor=default/production")["items"]] == ["poems"]
    assert both.get("/api/v1/aliases/poems/production")["id"] == "b_10"
    assert [item["id"] for item in both.get("/api/v1/checkpoints?alias=poems/production")["items"]] == ["b_10"]
    moved = both.http.get("/api/v1/aliases/poems/production/download", headers=headers("viewer"))
    assert (moved.status_code, moved.location) == (302, "/api/v1/checkpoints/b_10/download")
    for path in ("aliases/poems/none", "aliases/none/production/download"):
        assert both.http.get(f"/api/v1/{path}", headers=EDITOR).status_code == 404


def test_a_long_page_costs_no_more_queries_than_a_short_one(stage: Stage) -> None:
    for name in ("a", "b", "c"):
        saved(stage, name, *range(10, 60, 10))
        change(stage, f"{name}_10", aliases=[name])
    statements: list[str] = []

    @event.listens_for(stage.database.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    counts = []
    for limit in (1, 15):
        statements.clear()
        assert len(stage.get(f"/api/v1/checkpoints?limit={limit}")["items"]) == limit
        counts.append(len(statements))
    assert counts[0] == counts[1] < 10


def test_lists_filter(both: Stage) -> None:
    run = saved(both, "a", 10, 20)
    saved(both, "b", 10, project="poems")

    def listed(query: str) -> set[str]:
        return {item["id"] for item in both.get(f"/api/v1/checkpoints?{query}")["items"]}

    assert listed(f"run_id={run}") == {"a_10", "a_20"}
    assert listed("project=poems") == {"b_10"}
    assert listed("state=committed") == {"a_10", "a_20", "b_10"}
    assert listed("state=damaged") == listed("state=deleting") == listed("alias=default/none") == set()
    assert listed("project=default&limit=1") < {"a_10", "a_20"}


@pytest.mark.parametrize(
    "body", [{"aliases": ["Not A Name"]}, {"aliases": ["a/b"]}, {"pinned": "perhaps"}, {"pin": True}, {"aliases": "a"}]
)
def test_a_bad_change_names_its_field(stage: Stage, body: dict[str, Any]) -> None:
    saved(stage, "a", 10)
    answer = change(stage, "a_10", **body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"].split(".")[0] in body


@pytest.mark.parametrize("query", ["alias=production", "alias=a/b/c", "state=lost", "project=A", "run_id=%00"])
def test_bad_filters_are_problems(stage: Stage, query: str) -> None:
    answer = stage.http.get(f"/api/v1/checkpoints?{query}", headers=EDITOR)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, query.split("=")[0])


def test_a_damaged_checkpoint_gets_no_name_but_may_be_pinned(stage: Stage) -> None:
    saved(stage, "a", 10)
    stage.storage.damage = {"a_10": ["bad"]}
    stage.http.post("/api/v1/checkpoints/a_10/verify", headers=EDITOR)
    assert change(stage, "a_10", aliases=["production"]).json["code"] == "checkpoint-damaged"
    assert change(stage, "a_10", pinned=True).status_code == 200
    assert change(stage, "none", pinned=True).status_code == 404


def test_a_write_is_an_editors_and_leaves_a_row_in_the_audit(stage: Stage) -> None:
    saved(stage, "a", 10)
    change(stage, "a_10", pinned=True)
    refused = stage.http.patch("/api/v1/checkpoints/a_10", json={"pinned": False}, headers=headers("viewer"))
    assert refused.status_code == 403
    rows = stage.get("/api/v1/audit", role="admin")["items"]
    told = [(row["who"], row["status"]) for row in rows if (row["method"], row["path"]) == ("PATCH", "/api/v1/checkpoints/a_10")]
    assert told == [("test-viewer", 403), ("test-editor", 200)]
