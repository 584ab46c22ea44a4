"""`/logs?q=&errors=`: what is found, in which pages, and how much of the log one page reads."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from sqlalchemy import update

from services.monitor import log_search
from services.monitor.app import create_app
from services.monitor.models import LogChunk
from serving.database import Database
from shared.settings import Settings
from shared.training_events import LogWritten
from tests.monitor.producing import Producer
from tests.monitor.test_metrics import ingest


@pytest.fixture
def http(settings: Settings, database: Database, client: redis.Redis) -> Any:
    """On SQLite and on PostgreSQL."""
    return create_app(settings, database, client).test_client()


def say(database: Database, *chunks: tuple[int, list[str]]) -> None:
    producer = Producer()
    producer.say(*(LogWritten(rank=rank, lines=lines) for rank, lines in chunks))
    ingest(database, producer)


@pytest.fixture
def logged(database: Database) -> None:
    """Lines 0 to 59 of two ranks, three a chunk; an error in lines 30 and 45 to 47."""
    chunks = [(number % 2, [f"Step {number}.{part} nul \0" for part in range(3)]) for number in range(20)]
    chunks[10][1][0] = "ValueError: GRÖSSE of step"
    chunks[15] = (1, ["ERROR one", "ERROR two", "ERROR three of step"])
    say(database, *chunks)


class Asking:
    def __init__(self, http: Any, headers: dict[str, str]) -> None:
        self.http, self.headers = http, headers

    def __call__(self, **query: object) -> Any:
        answer = self.http.get("/api/v1/runs/run_a/logs", query_string=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json

    def pages(self, **query: object) -> Iterator[Any]:
        while True:
            page = self(**query)
            yield page
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def lines(self, **query: object) -> list[int]:
        return [item["line"] for page in self.pages(**query) for item in page["items"]]


@pytest.fixture
def ask(http: Any, editor: dict[str, str]) -> Asking:
    return Asking(http, editor)


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ({"q": "STEP 7"}, [21, 22, 23]),
        ({"q": "step 1", "limit": 2}, [*range(3, 6), 31, 32, *range(33, 45), *range(48, 60)]),
        ({"q": "1.2"}, [5, 35]),
        ({"q": "."}, [line for line in range(60) if line not in {30, 45, 46, 47}]),
        ({"q": "grösse"}, [30]),
        ({"q": "nul \0", "from_line": 58}, [58, 59]),
        ({"q": "%"}, []),
        ({"q": "step 7", "rank": 0}, []),
        ({"errors": True}, [30, 45, 46, 47]),
        ({"errors": True, "limit": 1}, [30, 45, 46, 47]),
        ({"errors": True, "rank": 1}, [45, 46, 47]),
        ({"errors": True, "from_line": 46}, [46, 47]),
        ({"errors": True, "q": "of step"}, [30, 47]),
    ],
)
def test_what_is_found_in_either_order(ask: Asking, logged: None, query: dict[str, Any], lines: list[int]) -> None:
    assert ask.lines(**query) == lines
    assert ask.lines(**query, order="newest") == lines[::-1]


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_a_page_reads_so_much_and_its_cursor_goes_on(ask: Asking, logged: None, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_search, "SEARCH_BYTES", 1)
    monkeypatch.setattr(log_search, "CHUNK_BYTES", 1)
    pages = list(ask.pages(q="VALUEerror", order=order))
    assert [len(page["items"]) for page in pages].count(1) == 1
    assert 10 <= len(pages) <= 21, "two chunks a page"


def test_where_to_go_on_is_told_also_at_the_end(ask: Asking, logged: None, database: Database) -> None:
    page = ask(q="nothing like it")
    assert page == {"items": [], "next_cursor": None, "next_line": 60}
    assert ask(q="step 1.", limit=2)["next_line"] == 5
    assert [ask(from_line=line)["next_line"] for line in (59, 60, 1000)] == [60, 60, 1000]
    assert ask(q="step 1.", order="newest", limit=2)["next_line"] == 4
    say_more = Producer("another")
    say_more.say(LogWritten(rank=0, lines=["nothing like it, now there"]))
    ingest(database, say_more)
    assert ask.lines(q="nothing like it", from_line=60) == [60]


def test_lines_tell_whether_they_are_errors(ask: Asking, logged: None) -> None:
    assert [item["line"] for item in ask(limit=100)["items"] if item["error"]] == [30, 45, 46, 47]


def test_errors_of_chunks_from_before_they_were_counted_are_found(ask: Asking, logged: None, database: Database) -> None:
    with database.writing() as session:
        assert session.query(LogChunk).where(LogChunk.first_line == 45).one().errors == 3
        session.execute(update(LogChunk).values(errors=None))
    assert ask.lines(errors=True) == [30, 45, 46, 47]
    assert [item["line"] for item in ask(limit=100)["items"] if item["error"]] == [30, 45, 46, 47]


def test_every_line_is_a_place_to_begin(ask: Asking, logged: None) -> None:
    for line in range(61):
        assert ask.lines(from_line=line, limit=7) == list(range(line, 60))
        assert ask.lines(cursor=line, order="newest", limit=7) == list(range(line - 1, -1, -1))


@pytest.mark.parametrize(("query", "field"), [("q=", "q"), ("q=a%0Ab", "q"), (f"q={'x' * 201}", "q"), ("errors=perhaps", "errors")])
def test_what_cannot_be_looked_for_is_named(ask: Asking, query: str, field: str) -> None:
    answer = ask.http.get(f"/api/v1/runs/run_a/logs?{query}", headers=ask.headers)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]
