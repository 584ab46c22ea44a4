"""Sending: a target that never answers, and what is kept of the deliveries that have ended."""

import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import select

from services.monitor.alert_models import Delivery, NotificationTarget
from services.monitor.deliveries import KEPT, Deliveries, Sending
from serving.database import Database
from tests.monitor.watching import Watching
from tests.monitor.webhooks import TRICKLES, Receiver, receiver, tarpit
from tests.servers import wait_until

SENDING = Sending("https://groundup.example", frozenset({"127.0.0.1"}), timeout=2.0)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


@pytest.fixture
def watching(client: redis.Redis, sqlite: Database) -> Watching:
    return Watching(client, sqlite)


def targets(database: Database, **urls: str) -> None:
    """By their names."""
    own = {"kind": "webhook", "secret": "s", "events": ["run.failed"], "created_at": 1.0, "created_by": "me"}
    with database.writing() as session:
        session.add_all(NotificationTarget(id=name, name=name, url=url, **own) for name, url in urls.items())


def wait_for(database: Database, target: str, count: int, state: str = "pending") -> None:
    """So many deliveries, due at once where they are pending."""
    with database.writing() as session:
        for number in range(count):
            row = Delivery(target_id=target, subject=f"{state}.{number}", type="Test", body={"type": "Test", "at": 1.0}, state=state)
            row.created_at = row.next_at = 1.0
            session.add(row)
            session.flush()  # numbered in this order


def states(database: Database) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    with database.reading() as session:
        for row in session.scalars(select(Delivery)):
            found.setdefault(row.target_id, Counter())[row.state] += 1
    return found


@pytest.mark.parametrize("kind", TRICKLES)
def test_a_target_that_never_answers_holds_up_no_other(kind: str, hook: Receiver, watching: Watching) -> None:
    database = watching.database
    with tarpit(kind) as pit:
        targets(database, pit=pit.url, well=hook.url)
        wait_for(database, "pit", 1)
        wait_for(database, "well", 5)
        deliveries = Deliveries(database, SENDING, watching.holder, clock=watching.clock)
        began = time.monotonic()
        while states(database)["well"]["pending"]:
            deliveries.step()
            assert time.monotonic() - began < 30
        assert pit.opened == 1
        wait_until(lambda: deliveries.step() > 0, "the other one is given up for now")
        with database.reading() as session:
            (stuck,) = session.scalars(select(Delivery).where(Delivery.target_id == "pit"))
        assert (stuck.state, stuck.tries) == ("pending", 1)
        assert "Timeout" in stuck.error
        assert stuck.next_at == watching.clock.now + SENDING.pauses[0]


def test_a_name_that_is_never_resolved_is_given_up_and_gets_no_second_thread(watching: Watching) -> None:
    let_go, asked = threading.Event(), list[int]()

    class Stuck(Deliveries):
        def _send(self, delivery: Delivery, target: NotificationTarget | None) -> str:
            asked.append(delivery.id)
            let_go.wait(60)
            return super()._send(delivery, target)

    targets(watching.database, gone="http://127.0.0.1:9/")
    wait_for(watching.database, "gone", 1)
    sending = Sending("https://groundup.example", frozenset({"127.0.0.1"}), timeout=-1.0, pauses=(0.0,) * 9)
    deliveries = Stuck(watching.database, sending, watching.holder, clock=watching.clock)
    assert [deliveries.step(0.01), deliveries.step(0.01)] == [1, 0]
    with watching.database.reading() as session:
        (row,) = session.scalars(select(Delivery))
    assert (row.tries, row.error[:9], asked) == (1, "no answer", [1])
    let_go.set()
    wait_until(lambda: deliveries.step() > 0 or len(asked) > 1, "then it is tried again")
    assert asked[:2] == [1, 1]


def test_the_newest_of_each_target_are_kept(hook: Receiver, watching: Watching) -> None:
    database = watching.database
    targets(database, one=hook.url, two=hook.url)
    for name in ("one", "two"):
        wait_for(database, name, KEPT + 7, "delivered")
        wait_for(database, name, 1)
    deliveries = Deliveries(database, SENDING, watching.holder, clock=watching.clock)
    wait_until(lambda: deliveries.step(1.0) >= 0 and len(hook.bodies) == 2 and not deliveries.tries, "both are sent")
    assert states(database) == {name: Counter(delivered=KEPT) for name in ("one", "two")}
    with database.reading() as session:
        oldest = session.scalars(select(Delivery).where(Delivery.target_id == "two").order_by(Delivery.id)).first()
    assert oldest is not None
    assert oldest.subject == "delivered.8"
