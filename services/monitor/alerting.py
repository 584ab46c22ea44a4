"""What becomes of a finding: a row, an event, notifications and, where the run's spec asks for it, a command; all in one transaction."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from services.monitor.alert_models import Alert, AlertOutboxCounter, AlertOutboxRow
from services.monitor.detectors.detector import Finding
from services.monitor.notifications import notify
from serving.outbox import Outbox
from shared.alert_events import AlertActionTaken, DetectorCleared, DetectorFired
from shared.names import CLUSTER_TOPIC, is_run

log = logging.getLogger(__name__)

OUTBOX: Final = Outbox("detectors", AlertOutboxRow, AlertOutboxCounter)
MAX_ALERTS: Final = 1000
"""Of one topic: a detector that flickers must fill neither the database nor anybody's screen. A run has no more in all its life; the
cluster and its workers, which have no end, lose the oldest that have passed."""
EXPIRY_SECONDS: Final = 600.0
"""What is older is not acted on any more, only told: by then it is another situation."""
_COMMANDS: Final = frozenset({"pause", "rollback"})


@dataclass(frozen=True)
class Found:
    """A finding and where it was made.

    number: tells findings of one key apart, the step of a run's or else what its event offers. at: when it happened, seconds since the
    epoch by the clock of whoever told it.
    """

    finding: Finding
    topic: str
    run_name: str
    attempt: int
    number: int
    at: float
    action: str
    max_rollbacks: int

    @property
    def alert_id(self) -> str:
        return f"{self.topic}.{self.attempt}.{self.finding.key}.{self.number}"


def tell(session: Session, found: Found, now: float) -> bool:
    """False where it is known already: it was found again after a restart."""
    if found.finding.kind == "fired":
        return _fire(session, found, now)
    which = [Alert.run_id == found.topic, Alert.key == found.finding.key, Alert.cleared_at.is_(None)]
    return clear(session, which, found.finding.message, found.finding.step, now)


def _fire(session: Session, found: Found, now: float) -> bool:
    finding, reading = found.finding, found.finding.reading
    if session.scalar(select(Alert.id).where(Alert.alert_id == found.alert_id)) is not None:
        return False
    if not _has_room(session, found.topic):
        log.warning("%s has %d alerts; one of %s at step %d is left out", found.topic, MAX_ALERTS, finding.key, finding.step)
        return False
    event = DetectorFired(
        alert_id=found.alert_id,
        detector=finding.detector,
        severity=finding.severity,
        step=finding.step,
        metric=reading.metric,
        value=reading.value,
        threshold=reading.threshold,
        window=dict(reading.window),
        message=finding.message,
        remedy=finding.remedy,
        actions=actions_of(found.action),
    )
    alert = Alert(
        alert_id=found.alert_id,
        run_id=found.topic,
        run_name=found.run_name,
        attempt=found.attempt,
        key=finding.key,
        severity=finding.severity,
        fired_at=now,
        body=event.model_dump(),
        action=found.action,
        max_rollbacks=found.max_rollbacks,
    )
    session.add(alert)
    publish(session, found.topic, event, now)
    if found.action in _COMMANDS:
        _ask(session, alert, found, now)
    if found.action != "annotate":
        notify(session, f"alert.{finding.severity}", f"{found.alert_id}.fired", fired_body(found.topic, found.run_name, event), now)
    return True


def _ask(session: Session, alert: Alert, found: Found, now: float) -> None:
    """The action is to be asked for, unless it comes too late: the detectors were away, or Redis tells an old stream again."""
    alert.action_state, alert.action_at = "pending", now
    if now - found.at <= EXPIRY_SECONDS:
        return
    minutes, most = (now - found.at) / 60, EXPIRY_SECONDS / 60
    reason = f"it had happened {minutes:.0f} minutes before it was found, and only the last {most:.0f} minutes are acted on"
    alert.action_state, alert.action_reason, alert.action_at = "refused", reason, None
    told = {"alert_id": alert.alert_id, "detector": found.finding.detector, "action": alert.action, "outcome": "refused", "reason": reason}
    OUTBOX.record(session, found.topic, AlertActionTaken.model_validate(told), now)


def publish(session: Session, topic: str, event: DetectorFired | DetectorCleared, now: float) -> None:
    """On its own topic, and on the cluster's, so that every page hears of it."""
    for each in dict.fromkeys((topic, CLUSTER_TOPIC)):
        OUTBOX.record(session, each, event, now)


def actions_of(action: str) -> list[str]:
    return ["annotate", *(["notify"] if action != "annotate" else []), *([action] if action in _COMMANDS else [])]


def fired_body(topic: str, run_name: str, event: DetectorFired) -> dict[str, object]:
    return {"type": event.type, "run_id": topic, "run_name": run_name, "alert": event.model_dump(exclude={"type"})}


def clear(session: Session, which: Iterable[ColumnElement[bool]], message: str, step: int, now: float) -> bool:
    """Whether there was any."""
    alerts = list(session.scalars(select(Alert).where(*which).order_by(Alert.id)))
    for alert in alerts:
        alert.cleared_at, alert.cleared = now, message
        event = DetectorCleared(alert_id=alert.alert_id, detector=str(alert.body["detector"]), step=step, message=message)
        publish(session, alert.run_id, event, now)
        if alert.action != "annotate":
            body = {"type": event.type, "run_id": alert.run_id, "run_name": alert.run_name, "alert": event.model_dump(exclude={"type"})}
            notify(session, "alert.cleared", f"{alert.alert_id}.cleared", body, now)
    return bool(alerts)


def close_all(session: Session, topic: str, message: str, step: int, now: float) -> None:
    """The run has ended."""
    clear(session, [Alert.run_id == topic, Alert.cleared_at.is_(None)], message, step, now)


def forget(session: Session, topic: str) -> None:
    """The run was deleted."""
    session.execute(delete(Alert).where(Alert.run_id == topic))


def _has_room(session: Session, topic: str) -> bool:
    """Whether the topic may have one more; the oldest that has passed makes room for it where the topic is no run's."""
    if (session.scalar(select(func.count()).select_from(Alert).where(Alert.run_id == topic)) or 0) < MAX_ALERTS:
        return True
    if is_run(topic):
        return False
    passed = select(Alert.id).where(Alert.run_id == topic, Alert.cleared_at.is_not(None)).order_by(Alert.id).limit(1)
    oldest = session.scalar(passed)
    if oldest is not None:
        session.execute(delete(Alert).where(Alert.id == oldest))
    return oldest is not None
