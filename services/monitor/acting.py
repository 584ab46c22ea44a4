"""Carries out what alerts ask for beyond telling: the api is asked until it answers, and its answer is told."""

import logging
import time
from collections.abc import Callable
from typing import Final, Literal, Protocol

from sqlalchemy import select

from services.monitor.alert_models import Alert
from services.monitor.alerting import EXPIRY_SECONDS, OUTBOX
from services.monitor.lease import Holder
from serving.database import Database
from shared.alert_actions import AlertAction, AlertCommand
from shared.alert_events import AlertActionTaken
from shared.errors import Conflict, EnvironmentFault, UserError

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 2.0
_PASSES: Final = frozenset({"command-conflict"})
"""Refusals that may be gone in a moment."""


class Asks(Protocol):
    def act(self, run_id: str, action: AlertAction) -> AlertCommand: ...


class Acting:
    def __init__(self, database: Database, api: Asks, holder: Holder, *, clock: Callable[[], float] = time.time) -> None:
        self.database, self.api, self.holder, self.clock = database, api, holder, clock

    def step(self) -> int:
        """How many were settled. Raises SQLAlchemyError or LeaseLost."""
        due = select(Alert).where(Alert.action_state == "pending", Alert.action_at <= self.clock()).order_by(Alert.id).limit(50)
        with self.database.reading() as session:
            alerts = list(session.scalars(due))
        return sum(self._act(alert) for alert in alerts)

    def _act(self, alert: Alert) -> bool:
        body, expired = alert.body, self.clock() - alert.fired_at > EXPIRY_SECONDS
        action = AlertAction(
            alert_id=alert.alert_id,
            detector=body["detector"],
            action="pause" if alert.action == "pause" else "rollback",
            attempt=alert.attempt,
            step=body["step"],
            max_rollbacks=alert.max_rollbacks,
            passed=_passed(alert, expired=expired),
        )
        try:
            answer = self.api.act(alert.run_id, action)
        except (EnvironmentFault, UserError) as error:
            passes = isinstance(error, EnvironmentFault) or (isinstance(error, Conflict) and error.problem_code in _PASSES)
            if passes and not expired:
                return self._again(alert, error.detail)
            return self._settle(alert, "refused", reason=" - ".join(filter(None, [error.detail, error.remedy])))
        return self._settle(alert, "requested", command_id=answer.command_id)

    def _again(self, alert: Alert, reason: str) -> bool:
        log.warning("%s of run %s waits: %s", alert.action, alert.run_id, reason)
        now = self.clock()
        with self.database.writing() as session:
            self.holder.insist(session, now)
            if row := session.get(Alert, alert.id):
                row.action_at, row.action_reason = now + RETRY_SECONDS, reason
        return False

    def _settle(self, alert: Alert, outcome: Literal["requested", "refused"], *, command_id: str = "", reason: str = "") -> bool:
        now, detector = self.clock(), str(alert.body["detector"])
        with self.database.writing() as session:
            self.holder.insist(session, now)
            row = session.get(Alert, alert.id)
            if row is None or row.action_state != "pending":
                return False  # the run was deleted meanwhile
            row.action_state, row.command_id, row.action_reason, row.action_at = outcome, command_id, reason, None
            told = {"alert_id": row.alert_id, "detector": detector, "action": row.action, "outcome": outcome}
            OUTBOX.record(session, row.run_id, AlertActionTaken.model_validate({**told, "command_id": command_id, "reason": reason}), now)
        return True


def _passed(alert: Alert, *, expired: bool) -> str:
    """Why it is not done any more. Only the api knows whether it has been asked for already, so it is asked all the same."""
    if alert.cleared_at is not None:
        return f"it had passed before this was asked for: {alert.cleared}"
    if expired:
        return f"it could not be asked for within {EXPIRY_SECONDS / 60:.0f} minutes, and may be another situation by now"
    return ""
