"""`/api/v1/alerts`, and what alerts ask of the api."""

import math
from typing import Any

import pytest
import redis

from services.monitor.acting import RETRY_SECONDS, Acting
from services.monitor.alert_models import Alert
from services.monitor.alerting import EXPIRY_SECONDS, MAX_ALERTS, OUTBOX
from serving.database import Database
from shared.alert_actions import AlertAction, AlertCommand
from shared.alert_events import AlertActionTaken
from shared.cluster_events import StorageLevelChanged
from shared.errors import Conflict, EnvironmentFault, GroundupError
from tests.conftest import headers
from tests.monitor.producing import RUN, Producer
from tests.monitor.test_detecting import events_on
from tests.monitor.watching import Watching, calm, losses, run_of


@pytest.fixture
def watching(client: redis.Redis, sqlite: Database) -> Watching:
    return Watching(client, sqlite)


class Api:
    """`faults`: what it answers first. `known`: alerts that a command was made of, also where nobody heard the answer."""

    def __init__(self, *faults: GroundupError, known: str = "") -> None:
        self.faults, self.known, self.asked = list(faults), known, list[AlertAction]()

    def act(self, run_id: str, action: AlertAction) -> AlertCommand:
        self.asked.append(action)
        if self.faults:
            raise self.faults.pop(0)
        if action.passed and action.alert_id != self.known:
            raise Conflict(action.passed, code="alert-passed")
        return AlertCommand(command_id="cmd_1", state="requested")


def spiked(watching: Watching, action: str = "rollback") -> None:
    api, child = run_of({"loss_spike": {"action": action}, "max_rollbacks": 1})
    losses(child, 1, [*calm(150), 9.0])
    watching.see(api, child)


def act(watching: Watching, api: Api, after: float = 0) -> int:
    watching.clock.now += after
    watching.holder.take(watching.database, watching.clock.now)
    settled = Acting(watching.database, api, watching.holder, clock=watching.clock).step()
    OUTBOX.relay(watching.database, watching.client)
    return settled


def taken(watching: Watching) -> list[tuple[str, str, str]]:
    return [
        (event.action, event.outcome, event.command_id or event.reason)
        for event in events_on(watching.client)
        if isinstance(event, AlertActionTaken)
    ]


def test_the_api_is_asked_once_and_its_answer_is_told(watching: Watching) -> None:
    spiked(watching)
    api = Api()
    assert [act(watching, api), act(watching, api, 10)] == [1, 0]
    expected = {"alert_id": f"{RUN}.1.loss_spike.151", "detector": "loss_spike", "action": "rollback", "attempt": 1, "step": 151}
    assert [asked.model_dump() for asked in api.asked] == [{**expected, "max_rollbacks": 1, "passed": ""}]
    assert taken(watching) == [("rollback", "requested", "cmd_1")]
    (alert,) = watching.alerts()
    assert (alert.action_state, alert.command_id) == ("requested", "cmd_1")


@pytest.mark.parametrize("fault", [EnvironmentFault("away"), Conflict("'pause' is open", code="command-conflict")])
def test_what_passes_is_waited_for(watching: Watching, fault: GroundupError) -> None:
    spiked(watching, "pause")
    api = Api(fault)
    assert [act(watching, api), act(watching, api), act(watching, api, RETRY_SECONDS)] == [0, 0, 1]
    assert len(api.asked) == 2
    assert taken(watching) == [("pause", "requested", "cmd_1")]


def test_what_is_refused_is_told_with_the_reason(watching: Watching) -> None:
    spiked(watching)
    assert act(watching, Api(Conflict("no checkpoint", remedy="save one", code="no-checkpoint"))) == 1
    assert taken(watching) == [("rollback", "refused", "no checkpoint - save one")]


def test_what_was_found_long_ago_is_not_acted_on(watching: Watching) -> None:
    spiked(watching)
    api = Api(EnvironmentFault("away"), EnvironmentFault("away"))
    assert [act(watching, api), act(watching, api, EXPIRY_SECONDS + 1)] == [0, 1]
    assert taken(watching) == [("rollback", "refused", "away")]


def test_what_waited_too_long_to_be_asked_for_is_not_done(watching: Watching) -> None:
    """The detectors died behind the finding, and come back after hours to a run that may be somewhere else."""
    spiked(watching, "pause")
    assert act(watching, Api(), EXPIRY_SECONDS + 1) == 1
    assert taken(watching) == [
        ("pause", "refused", "it could not be asked for within 10 minutes, and may be another situation by now"),
    ]


def test_what_had_happened_long_before_it_was_found_is_told_and_not_acted_on(watching: Watching) -> None:
    watching.clock.now = 1000 + 3600.0
    watching.holder.take(watching.database, watching.clock.now)
    spiked(watching, "pause")
    api = Api()
    assert (act(watching, api), api.asked) == (0, [])
    reason = "it had happened 57 minutes before it was found, and only the last 10 minutes are acted on"
    assert taken(watching) == [("pause", "refused", reason)]
    (alert,) = watching.alerts()
    assert (alert.key, alert.action_state, alert.action_reason) == ("loss_spike", "refused", reason)


@pytest.mark.parametrize("known", [False, True])
def test_what_has_passed_before_it_is_asked_for_is_not_done(watching: Watching, known: bool) -> None:
    """Unless it was asked for already, and the answer was lost."""
    api, child = run_of({"loss_spike": {"action": "pause"}})
    losses(child, 1, [*calm(150), 9.0, *calm(30)])
    watching.see(api, child)
    assert act(watching, Api(known=f"{RUN}.1.loss_spike.151" if known else "")) == 1
    refused = ("pause", "refused", "it had passed before this was asked for: train/loss is 2.08 again")
    assert taken(watching) == [("pause", "requested", "cmd_1") if known else refused]


def test_alerts_are_listed_filtered_and_acknowledged(http: Any, watching: Watching, editor: dict[str, str]) -> None:
    for run_id in ("run_a", "run_b"):
        api, child = run_of(run_id=run_id, name=run_id)
        losses(child, 1, [*calm(150), 9.0, *calm(30), math.nan])
        watching.see(api, child)

    def listed(query: str = "") -> list[tuple[str, str]]:
        items = http.get(f"/api/v1/alerts{query}", headers=headers("viewer")).json["items"]
        return [(item["run_id"], item["detector"]) for item in items]

    assert listed() == [("run_b", "nan"), ("run_b", "loss_spike"), ("run_a", "nan"), ("run_a", "loss_spike")]
    assert listed("?run_id=run_a&open=true") == [("run_a", "nan")]
    assert listed("?open=false&severity=warning") == [("run_b", "loss_spike"), ("run_a", "loss_spike")]
    page = http.get("/api/v1/alerts?limit=3", headers=editor).json
    assert listed(f"?cursor={page['next_cursor']}") == [("run_a", "loss_spike")]
    nan = page["items"][0]
    assert (nan["value"], nan["threshold"], nan["action"]["kind"], nan["remedy"] != "") == (None, None, "notify", True)
    answer = http.post(f"/api/v1/alerts/{nan['alert_id']}/acknowledge", json={"note": "bad shard"}, headers=editor)
    assert (answer.status_code, answer.json["acknowledged_by"], answer.json["note"]) == (200, "test-editor", "bad shard")
    again = http.post(f"/api/v1/alerts/{nan['alert_id']}/acknowledge", json={}, headers=headers("admin")).json
    assert (again["acknowledged_by"], again["note"], again["cleared_at"]) == ("test-editor", "bad shard", None)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "?severity=huge", 422),
        ("GET", "?open=perhaps", 422),
        ("GET", "?cursor=x", 422),
        ("GET", "?surprise=1", 422),
        ("POST", "/run_z.1.nan.1/acknowledge", 404),
        ("POST", "/run%20z/acknowledge", 422),
    ],
)
def test_bad_requests_are_told_apart(http: Any, editor: dict[str, str], method: str, path: str, status: int) -> None:
    body: dict[str, str] | None = {} if method == "POST" else None
    assert http.open(f"/api/v1/alerts{path}", method=method, json=body, headers=editor).status_code == status


def test_a_viewer_acknowledges_nothing(http: Any) -> None:
    assert http.post("/api/v1/alerts/run_z.1.nan.1/acknowledge", json={}, headers=headers("viewer")).status_code == 403


def test_the_cluster_always_has_room_for_one_more(watching: Watching) -> None:
    """Whose life has no end, unlike a run's."""
    for topic in ("cluster", RUN):
        with watching.database.writing() as session:
            old = {"run_name": "", "attempt": 0, "key": "disk", "severity": "warning", "body": {"detector": "disk"}, "action": "annotate"}
            session.add_all(
                Alert(alert_id=f"{topic}.{number}", run_id=topic, fired_at=1.0, cleared_at=None if number == 0 else 2.0, **old)
                for number in range(MAX_ALERTS)
            )
    cluster = Producer("api", run_id="cluster", attempt=None)
    cluster.say(StorageLevelChanged(level="full", message="all taken"))
    api, child = run_of()
    losses(child, 1, [*calm(10), math.nan])
    watching.see(cluster, api, child)
    found = [alert.alert_id for alert in watching.alerts()]
    assert len(found) == 2 * MAX_ALERTS
    assert "cluster.0.disk.full.1" in found
    assert "cluster.0" in found, "it is open"
    assert "cluster.1" not in found
    assert f"{RUN}.1.nan.11" not in found
