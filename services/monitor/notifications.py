"""What is told to webhooks: queued in the transaction that made it true, sent by deliveries.py."""

from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.monitor.alert_models import Delivery, NotificationTarget

MAX_PENDING: Final = 1000
"""Deliveries that may wait for one target; what comes on top is dropped, and is there to be seen."""


def notify(session: Session, topic: str, subject: str, body: dict[str, Any], now: float) -> int:
    """One delivery for each target that wants it; how many there are. `subject` says what it is about, and goes to a target once."""
    targets = [target for target in session.scalars(select(NotificationTarget).order_by(NotificationTarget.id)) if topic in target.events]
    return sum(queue(session, target, subject, {"topic": topic, "at": now, **body}, now) for target in targets)


def queue(session: Session, target: NotificationTarget, subject: str, body: dict[str, Any], now: float) -> bool:
    known = select(Delivery.id).where(Delivery.target_id == target.id, Delivery.subject == subject)
    if session.scalar(known) is not None:
        return False
    waiting = select(func.count()).select_from(Delivery).where(Delivery.target_id == target.id, Delivery.state == "pending")
    full = (session.scalar(waiting) or 0) >= MAX_PENDING
    session.add(
        Delivery(
            target_id=target.id,
            subject=subject,
            type=str(body.get("type", "")),
            body=body,
            state="dropped" if full else "pending",
            created_at=now,
            next_at=None if full else now,
            ended_at=now if full else None,
            error=f"more than {MAX_PENDING} notifications wait for this target" if full else "",
        )
    )
    session.flush()
    return not full
