"""`/events`, `/samples` and `/logs` of a run, page by page."""

from typing import Any

import pytest

from serving.database import Database
from shared.event import Event
from shared.events import AnyEvent
from shared.training_events import EvaluationCompleted, LogWritten, ProcessDied, SampleGenerated
from tests.monitor.producing import Producer, step
from tests.monitor.test_metrics import ingest


def sample(number: int) -> SampleGenerated:
    return SampleGenerated(step=number, prompt="ROMEO:", text=f"text {number}")


def pages(http: Any, editor: dict[str, str], path: str, **query: object) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    while True:
        answer = http.get(f"/api/v1/runs/{path}", query_string=query, headers=editor)
        assert answer.status_code == 200, answer.text
        items += answer.json["items"]
        if answer.json["next_cursor"] is None:
            return items
        assert len(answer.json["items"]) == query.get("limit", 50)
        query["cursor"] = answer.json["next_cursor"]


def say(database: Database, *events: AnyEvent) -> None:
    producer = Producer()
    producer.say(*events)
    ingest(database, producer)


def test_events_are_envelopes_in_order(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    say(sqlite, sample(1), step(1), ProcessDied(reason="gone", after_seconds=2.5), sample(2))
    items = pages(http, editor, "run_a/events")
    assert [item["event"]["type"] for item in items] == ["SampleGenerated", "ProcessDied", "SampleGenerated"]
    assert items[1] | {"epoch": "e"} == {
        "run_id": "run_a",
        "attempt": 1,
        "fence": None,
        "producer": "child",
        "producer_seq": 3,
        "at": 1003.0,
        "event": {"type": "ProcessDied", "reason": "gone", "after_seconds": 2.5},
        "epoch": "e",
        "seq": 3,
    }
    assert [item["seq"] for item in pages(http, editor, "run_a/events", type="SampleGenerated")] == [1, 4]
    assert pages(http, editor, "run_b/events") == []


def test_nan_in_an_event_is_null_in_json(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    say(sqlite, EvaluationCompleted(step=1, tokens=1, metrics={"val/loss": float("nan"), "val/bpb": 1.0}))
    assert pages(http, editor, "run_a/events")[0]["event"]["metrics"] == {"val/loss": None, "val/bpb": 1.0}


def test_pages_neither_overlap_nor_skip(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    say(sqlite, *(sample(number) for number in range(1, 24)))
    assert [item["seq"] for item in pages(http, editor, "run_a/events", limit=5)] == list(range(1, 24))
    assert [item["step"] for item in pages(http, editor, "run_a/samples", limit=23)] == list(range(1, 24))


def test_newest_first_is_the_same_list_from_its_end(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    say(sqlite, *(event for number in range(1, 12) for event in (sample(number), ProcessDied(reason="gone", after_seconds=1))))
    newest = {"order": "newest", "limit": 4}
    assert pages(http, editor, "run_a/events", **newest) == pages(http, editor, "run_a/events")[::-1]
    assert [item["step"] for item in pages(http, editor, "run_a/samples", **newest)] == list(range(11, 0, -1))
    assert [item["seq"] for item in pages(http, editor, "run_a/events", type="ProcessDied", **newest)] == list(range(22, 0, -2))
    assert pages(http, editor, "run_b/events", **newest) == []


def test_pages_back_from_the_end_do_not_move_while_events_come(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    producer = Producer()
    producer.say(*(sample(number) for number in range(1, 7)))
    ingest(sqlite, producer)
    page = http.get("/api/v1/runs/run_a/samples?order=newest&limit=3", headers=editor).json
    producer.say(sample(99))
    ingest(sqlite, producer)
    older = pages(http, editor, "run_a/samples", order="newest", limit=3, cursor=page["next_cursor"])
    assert pages(http, editor, "run_a/samples", order="newest")[0]["step"] == 99
    assert [item["step"] for item in page["items"] + older] == [6, 5, 4, 3, 2, 1]


def test_samples_are_plain(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    say(sqlite, sample(7), step(8))
    expected = {"step": 7, "prompt": "ROMEO:", "text": "text 7", "at": "1970-01-01T00:16:41.000+00:00", "attempt": 1}
    assert pages(http, editor, "run_a/samples") == [expected]


@pytest.fixture
def logged(sqlite: Database) -> list[Event]:
    lines = [LogWritten(rank=number % 2, lines=[f"{number}.{part}" for part in range(3)]) for number in range(10)]
    say(sqlite, *lines)
    return list(lines)


def test_log_lines_are_numbered_over_all_ranks(http: Any, editor: dict[str, str], logged: list[Event]) -> None:
    items = pages(http, editor, "run_a/logs", limit=7)
    assert [(item["line"], item["text"]) for item in items] == [(number, f"{number // 3}.{number % 3}") for number in range(30)]
    assert items[3] == {"rank": 1, "line": 3, "attempt": 1, "at": "1970-01-01T00:16:42.000+00:00", "text": "1.0", "error": False}


def test_logs_of_one_rank_and_from_a_line(http: Any, editor: dict[str, str], logged: list[Event]) -> None:
    assert {item["rank"] for item in pages(http, editor, "run_a/logs", rank=1, limit=4)} == {1}
    assert [item["line"] for item in pages(http, editor, "run_a/logs", rank=0, from_line=20, limit=2)] == [20, 24, 25, 26]
    assert pages(http, editor, "run_a/logs", from_line=30) == []


def test_logs_from_their_end(http: Any, editor: dict[str, str], logged: list[Event]) -> None:
    def numbers(**query: object) -> list[int]:
        return [item["line"] for item in pages(http, editor, "run_a/logs", order="newest", **query)]

    assert numbers(limit=7) == list(range(29, -1, -1))
    assert numbers(limit=1, rank=1) == [number for number in range(29, -1, -1) if number // 3 % 2]
    assert numbers(limit=2, from_line=25) == [29, 28, 27, 26, 25]
    assert numbers(limit=1000, cursor=4) == [3, 2, 1, 0]
    assert numbers(cursor=0) == numbers(from_line=30) == []


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("events?cursor=x", "cursor"),
        ("events?limit=201", "limit"),
        ("samples?limit=0", "limit"),
        ("logs?rank=-1", "rank"),
        ("logs?limit=1001", "limit"),
        ("logs?order=random", "order"),
        ("samples?order=latest", "order"),
        ("logs?from_line=-5", "from_line"),
        ("logs?cursor=-1", "cursor"),
        ("events?cursor=99999999999999999999", "cursor"),
    ],
)
def test_bad_parameters_are_named(http: Any, editor: dict[str, str], path: str, field: str) -> None:
    answer = http.get(f"/api/v1/runs/run_a/{path}", headers=editor)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_the_openapi_document_names_them_all(http: Any) -> None:
    paths = set(http.application.api_doc["paths"])
    assert {f"/api/v1/runs/{{run_id}}/{name}" for name in ("metrics", "events", "logs", "samples")} | {"/api/v1/ws-tickets"} <= paths


def test_figures_of_the_history(http: Any, sqlite: Database) -> None:
    say(sqlite, sample(1), step(1))
    text = http.get("/metrics").text
    assert "groundup_events_ingested_total 2.0" in text
    assert "groundup_ingest_lag 0.0" in text
    assert "groundup_sockets_open 0.0" in text
