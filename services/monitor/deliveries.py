"""Sends what notifications.py has queued: at least once, with growing pauses, and given up for all to see at last."""

import hashlib
import hmac
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import httpx
from sqlalchemy import func, select

from services.monitor.alert_models import Delivery, NotificationTarget
from services.monitor.lease import Holder
from serving.database import Database
from serving.outgoing import destination, post
from serving.times import iso
from shared.errors import InvalidField

log = logging.getLogger(__name__)

PAUSES: Final = (5.0, 20.0, 80.0, 320.0, 1280.0, 3600.0, 3600.0)
"""Seconds before each further try; after the last one it is given up."""
TIMEOUT_SECONDS: Final = 5.0
AT_ONCE: Final = 8
KEPT: Final = 1000
"""Ended deliveries of a target that are kept to be looked at."""


@dataclass(frozen=True)
class Sending:
    """`public_url`: of the dashboard, for links. `allowed`: hosts that may be private."""

    public_url: str
    allowed: frozenset[str] = frozenset()
    pauses: tuple[float, ...] = PAUSES


class Deliveries:
    def __init__(self, database: Database, sending: Sending, holder: Holder, *, clock: Callable[[], float] = time.time) -> None:
        self.database, self.sending, self.holder, self.clock = database, sending, holder, clock

    def step(self) -> int:
        """How many were tried: the oldest of each target, so that they arrive in order and a slow target holds up no other."""
        now = self.clock()
        oldest = select(func.min(Delivery.id)).where(Delivery.state == "pending").group_by(Delivery.target_id)
        due = select(Delivery, NotificationTarget).join(NotificationTarget, NotificationTarget.id == Delivery.target_id, isouter=True)
        with self.database.reading() as session:
            rows = session.execute(due.where(Delivery.id.in_(oldest), Delivery.next_at <= now).limit(AT_ONCE * 4)).all()
        if not rows:
            return 0
        with ThreadPoolExecutor(min(AT_ONCE, len(rows))) as pool:
            results = list(pool.map(lambda row: self._send(row[0], row[1]), rows))
        for (delivery, _), error in zip(rows, results, strict=True):
            self._note(delivery, error)
        return len(rows)

    def _send(self, delivery: Delivery, target: NotificationTarget | None) -> str:
        """Why it did not arrive; empty where it did."""
        if target is None:
            return "the target was deleted"
        sent_at = self.clock()
        body = body_for(target.kind, delivery, self.sending.public_url)
        headers = {"Content-Type": "application/json", "User-Agent": "groundup", "X-Groundup-Delivery": f"{target.id}.{delivery.id}"}
        if target.kind == "webhook":
            headers |= {"X-Groundup-Event": delivery.type, "X-Groundup-Signature": signature(target.secret, sent_at, body)}
        try:
            status = post(destination(target.url, allowed=self.sending.allowed), body, headers, timeout=TIMEOUT_SECONDS)
        except InvalidField as error:
            return error.detail
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{type(error).__name__}: {error}".removesuffix(": ")
        return "" if 200 <= status < 300 else f"it answered {status}"

    def _note(self, delivery: Delivery, error: str) -> None:
        now = self.clock()
        with self.database.writing() as session:
            self.holder.insist(session, now)
            row = session.get(Delivery, delivery.id)
            if row is None:
                return
            row.tries += 1
            row.error = error
            if not error:
                row.state, row.next_at, row.ended_at = "delivered", None, now
            elif row.tries > len(self.sending.pauses):
                log.error("notification %d to %s is given up: %s", row.id, row.target_id, error)
                row.state, row.next_at, row.ended_at = "dead", None, now
            else:
                row.next_at = now + self.sending.pauses[row.tries - 1]
            self._forget_old(session, row)

    def _forget_old(self, session: Any, row: Delivery) -> None:
        if row.state == "pending" or row.id % 100:
            return
        ended = (Delivery.target_id == row.target_id, Delivery.state != "pending")
        edge = session.scalar(select(Delivery.id).where(*ended).order_by(Delivery.id.desc()).offset(KEPT).limit(1))
        if edge is not None:
            for old in session.scalars(select(Delivery).where(*ended, Delivery.id <= edge)):
                session.delete(old)


def allowed_hosts(environ: Mapping[str, str]) -> frozenset[str]:
    """GROUNDUP_WEBHOOK_ALLOW: `host` or `host:port`, separated by commas."""
    return frozenset(host.strip().lower() for host in environ.get("GROUNDUP_WEBHOOK_ALLOW", "").split(",") if host.strip())


def signature(secret: str, at: float, body: bytes) -> str:
    """`t=<seconds since the epoch>,v1=<HMAC-SHA256 of "t.body" in hex>`: a receiver compares it, and refuses an old t."""
    stamp = str(int(at))
    return f"t={stamp},v1={hmac.new(secret.encode(), f'{stamp}.'.encode() + body, hashlib.sha256).hexdigest()}"


def body_for(kind: str, delivery: Delivery, public_url: str) -> bytes:
    told = delivery.body
    run = {"id": told["run_id"], "name": told["run_name"], "url": link(public_url, told["run_id"])} if told.get("run_id") else None
    if kind == "slack":
        return json.dumps({"text": slack_text(told, run)}).encode()
    rest = {name: value for name, value in told.items() if name not in {"run_id", "run_name", "at"}}
    return json.dumps(_finite({"id": f"{delivery.target_id}.{delivery.id}", "at": iso(told["at"]), "run": run, **rest})).encode()


def link(public_url: str, topic: str) -> str:
    """Where the dashboard shows it."""
    return f"{public_url}/cluster" if not topic.startswith("run_") else f"{public_url}/runs/{topic}/events"


def slack_text(told: dict[str, Any], run: dict[str, str] | None) -> str:
    """Slack's mark-up, in which three characters have to be escaped."""
    alert = {"severity": "", "message": "", "detector": "", "step": 0, **told.get("alert", {})}
    what = {
        "DetectorFired": f"{alert['severity']}: {alert['message']} ({alert['detector']}, step {alert['step']})",
        "DetectorCleared": f"passed: {alert['message']} ({alert['detector']})",
        "RunEnded": f"{told.get('state', '')}" + (f": {told['reason']}" if told.get("reason") else ""),
    }.get(str(told["type"]), "a test notification of Groundup")
    escaped = what.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"*<{run['url']}|{run['name'] or run['id']}>* {escaped}" if run else escaped


def _finite(value: Any) -> Any:
    """JSON has no NaN: it is told as a word."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list) else value
