"""Notifications: who is told what, signed, at least once; and what is seen of those that do not arrive."""

import hashlib
import hmac
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from sqlalchemy import select

from services.monitor.alert_models import Delivery, NotificationTarget
from services.monitor.app import create_app
from services.monitor.deliveries import Deliveries, Sending
from services.monitor.notifications import MAX_PENDING, queue
from serving.database import Database
from shared.run_events import RunStateChanged
from shared.settings import Settings
from tests.conftest import headers
from tests.monitor.producing import RUN
from tests.monitor.watching import Watching, calm, losses, run_of
from tests.monitor.webhooks import Receiver, receiver

ADMIN, ALLOWED = headers("admin"), frozenset({"127.0.0.1"})


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


@pytest.fixture
def http(settings: Settings, sqlite: Database, client: redis.Redis) -> Any:
    return create_app(settings, sqlite, client, webhook_allow=ALLOWED).test_client()


@pytest.fixture
def watching(client: redis.Redis, sqlite: Database) -> Watching:
    return Watching(client, sqlite)


@pytest.fixture
def deliveries(watching: Watching) -> Deliveries:
    sending = Sending("https://groundup.example", ALLOWED, pauses=(5.0, 20.0))
    return Deliveries(watching.database, sending, watching.holder, clock=watching.clock)


def deliver(deliveries: Deliveries) -> int:
    return deliveries.step(30.0)


def add(http: Any, url: str, **body: Any) -> Any:
    answer = http.post("/api/v1/notifications", json={"name": "ours", "url": url, **body}, headers=ADMIN)
    assert answer.status_code == 201, answer.text
    return answer.json


def diverge(watching: Watching) -> None:
    api, child = run_of()
    losses(child, 1, [*calm(10), math.nan])
    api.say(RunStateChanged(run_id=RUN, old="running", new="failed", by="w1", reason="it <diverged>"))
    watching.see(api, child)


def rows(database: Database) -> list[Delivery]:
    with database.reading() as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def test_a_webhook_is_told_and_can_check_by_whom(http: Any, hook: Receiver, watching: Watching, deliveries: Deliveries) -> None:
    target = add(http, hook.url)
    diverge(watching)
    assert [deliver(deliveries) for _ in range(3)] == [1, 1, 0]
    sent, head = json.loads(hook.bodies[0]), hook.headers[0]
    assert (sent["type"], sent["topic"], sent["alert"]["detector"], sent["alert"]["value"]) == (
        "DetectorFired",
        "alert.critical",
        "nan",
        "nan",
    )
    assert sent["run"] == {"id": RUN, "name": "tiny", "url": f"https://groundup.example/runs/{RUN}/events"}
    assert sent["id"] == head["X-Groundup-Delivery"]
    stamp, digest = (part.split("=", 1)[1] for part in head["X-Groundup-Signature"].split(","))
    assert digest == hmac.new(target["secret"].encode(), f"{stamp}.".encode() + hook.bodies[0], hashlib.sha256).hexdigest()
    assert json.loads(hook.bodies[1])["type"] == "RunEnded"


def test_slack_is_told_in_its_own_words(http: Any, hook: Receiver, watching: Watching, deliveries: Deliveries) -> None:
    assert add(http, hook.url, kind="slack")["secret"] == ""
    diverge(watching)
    deliver(deliveries)
    deliver(deliveries)
    texts = [json.loads(body) for body in hook.bodies]
    run = f"*<https://groundup.example/runs/{RUN}/events|tiny>*"
    assert texts == [
        {"text": f"{run} critical: train/loss is nan, which is no finite number (nan, step 11)"},
        {"text": f"{run} failed: it &lt;diverged&gt;"},
    ]
    assert "X-Groundup-Signature" not in hook.headers[0]


def test_only_what_was_asked_for_is_told(http: Any, hook: Receiver, watching: Watching) -> None:
    add(http, hook.url, events=["run.failed"])
    add(http, hook.url, events=["alert.warning", "run.succeeded"])
    diverge(watching)
    assert [row.type for row in rows(watching.database)] == ["RunEnded"]


def test_what_does_not_arrive_is_tried_again_in_order_and_given_up_at_last(
    http: Any, hook: Receiver, watching: Watching, deliveries: Deliveries
) -> None:
    add(http, hook.url)
    diverge(watching)
    hook.status = 503
    assert deliver(deliveries) == 1
    assert deliver(deliveries) == 0, "the next one waits for its turn"
    for pause in (5, 20):
        watching.clock.now += pause
        watching.holder.take(watching.database, watching.clock.now)
        assert deliver(deliveries) == 1
    first, second = rows(watching.database)
    assert (first.state, first.tries, first.error, second.state) == ("dead", 3, "it answered 503", "pending")
    hook.status = 200
    deliver(deliveries)
    assert [row.state for row in rows(watching.database)] == ["dead", "delivered"]
    (target,) = http.get("/api/v1/notifications", headers=ADMIN).json["items"]
    assert (target["waiting"], target["failed"]) == (0, 1)
    (dead,) = http.get("/api/v1/notifications/deliveries?state=dead", headers=ADMIN).json["items"]
    assert (dead["error"], dead["tries"]) == ("it answered 503", 3)


def test_a_killed_sender_sends_again_under_the_same_id(http: Any, hook: Receiver, watching: Watching, deliveries: Deliveries) -> None:
    """Between the answer and the note of it."""

    class Killed(Exception):
        pass

    class Dying(Deliveries):
        def _note(self, delivery: Delivery, error: str) -> None:
            raise Killed

    add(http, hook.url, events=["alert.critical"])
    diverge(watching)
    with pytest.raises(Killed):
        deliver(Dying(watching.database, deliveries.sending, watching.holder, clock=watching.clock))
    assert deliver(deliveries) == 1
    assert [row.state for row in rows(watching.database)] == ["delivered"]
    assert len({head["X-Groundup-Delivery"] for head in hook.headers}) == 1
    assert len(hook.bodies) == 2


def test_an_address_is_checked_again_when_it_is_used(http: Any, hook: Receiver, watching: Watching) -> None:
    """A name may lead elsewhere by then, and what was allowed may be no longer."""
    add(http, hook.url)
    diverge(watching)
    deliver(Deliveries(watching.database, Sending("http://x"), watching.holder, clock=watching.clock))
    assert rows(watching.database)[0].error == "url: 127.0.0.1 is 127.0.0.1, which is not public"
    assert hook.bodies == []


def test_a_full_queue_drops_and_says_so(http: Any, hook: Receiver, sqlite: Database) -> None:
    add(http, hook.url)
    with sqlite.writing() as session:
        (target,) = session.scalars(select(NotificationTarget))
        assert sum(queue(session, target, f"s{number}", {"type": "Test"}, 1.0) for number in range(MAX_PENDING + 2)) == MAX_PENDING
    dropped = http.get("/api/v1/notifications/deliveries?state=dropped", headers=ADMIN).json["items"]
    assert len(dropped) == 2
    assert "wait for this target" in dropped[0]["error"]


def test_a_test_is_sent_like_anything_else(http: Any, hook: Receiver, deliveries: Deliveries) -> None:
    target = add(http, hook.url)
    answer = http.post(f"/api/v1/notifications/{target['id']}/test", headers=ADMIN)
    assert (answer.status_code, answer.json["state"]) == (202, "pending")
    deliveries.clock = lambda: 2e9
    deliveries.holder.take(deliveries.database, 2e9)
    deliver(deliveries)
    assert json.loads(hook.bodies[0])["type"] == "Test"


def test_a_request_that_is_repeated_makes_no_second_one(http: Any, hook: Receiver, sqlite: Database) -> None:
    """As where an answer got lost on its way; it has the secret, which is shown nowhere else."""
    sent = {**ADMIN, "Idempotency-Key": "one"}
    first, again = (http.post("/api/v1/notifications", json={"name": "ours", "url": hook.url}, headers=sent) for _ in range(2))
    assert (first.status_code, again.json) == (201, first.json)
    assert len(http.get("/api/v1/notifications", headers=ADMIN).json["items"]) == 1
    other = http.post("/api/v1/notifications", json={"name": "theirs", "url": hook.url}, headers=sent)
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")
    tests = [http.post(f"/api/v1/notifications/{first.json['id']}/test", headers={**ADMIN, "Idempotency-Key": "two"}) for _ in range(2)]
    assert [answer.status_code for answer in tests] == [202, 202]
    assert len(rows(sqlite)) == 1


def test_secrets_are_never_shown_again(http: Any, hook: Receiver) -> None:
    target = add(http, hook.url, secret="a-secret-of-sixteen")
    assert target["secret"] == ""
    told = http.get("/api/v1/notifications", headers=ADMIN).text
    assert "a-secret" not in told
    assert "key=1" not in told
    assert "/hook" not in told
    assert '"host":"127.0.0.1"' in told.replace(" ", "")


def test_targets_are_for_admins(http: Any, editor: dict[str, str], hook: Receiver) -> None:
    target = add(http, hook.url)["id"]
    tries = [("GET", ""), ("POST", ""), ("DELETE", f"/{target}"), ("POST", f"/{target}/test"), ("GET", "/deliveries")]
    for method, path in tries:
        body = {"name": "x", "url": hook.url} if (method, path) == ("POST", "") else None
        assert http.open(f"/api/v1/notifications{path}", method=method, json=body, headers=editor).status_code == 403, path
    assert http.delete(f"/api/v1/notifications/{target}", headers=ADMIN).status_code == 204
    assert http.delete(f"/api/v1/notifications/{target}", headers=ADMIN).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://10.0.0.1/x"}, "url"),
        ({"url": "ftp://example.org"}, "url"),
        ({"url": "http://has blanks/"}, "url"),
        ({"name": ""}, "name"),
        ({"kind": "mail"}, "kind"),
        ({"events": []}, "events"),
        ({"events": ["alert.huge"]}, "events.0"),
        ({"secret": "short"}, "(body)"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_bad_targets_name_the_field(http: Any, hook: Receiver, body: dict[str, Any], field: str) -> None:
    answer = http.post("/api/v1/notifications", json={"name": "x", "url": hook.url, **body}, headers=ADMIN)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json["errors"]] == [field]
