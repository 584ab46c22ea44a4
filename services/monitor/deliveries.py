"""Sends what notifications.py has queued: at least once, with growing pauses, and given up for all to see at last.

Each target is sent to by a thread of its own, so that one which never answers holds up neither another one nor the end of the process.
"""

import hashlib
import hmac
import json
import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

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
"""For one try: the look-up of the name and the whole answer."""
PATIENCE_SECONDS: Final = 0.2
KEPT: Final = 1000
"""Ended deliveries of a target that are kept to be looked at."""


@dataclass(frozen=True)
class Sending:
    """`public_url`: of the dashboard, for links. `allowed`: hosts that may be private. `timeout`: seconds for one try."""

    public_url: str
    allowed: frozenset[str] = frozenset()
    pauses: tuple[float, ...] = PAUSES
    timeout: float = TIMEOUT_SECONDS


@dataclass
class _Try:
    """A delivery on its way. `late_at`: by the monotonic clock; nothing is waited for longer, and `noted` tells that nobody does."""

    delivery: Delivery
    late_at: float
    noted: bool = False


class Deliveries:
    """`tries`: by target; one whose thread still hangs gets no other. `ended`: the try, and why it failed."""

    def __init__(self, database: Database, sending: Sending, holder: Holder, *, clock: Callable[[], float] = time.time) -> None:
        self.database, self.sending, self.holder, self.clock = database, sending, holder, clock
        self.tries: dict[str, _Try] = {}
        self.ended: queue.SimpleQueue[tuple[_Try, str]] = queue.SimpleQueue()

    def step(self, patience: float = PATIENCE_SECONDS) -> int:
        """How many tries have ended; the first one is waited for so many seconds, and not at all where nothing is under way."""
        self._begin()
        under_way = any(not each.noted for each in self.tries.values())
        return self._take_ended(patience if under_way else 0.0) + self._give_up_late()

    def _begin(self) -> None:
        """The oldest delivery of each target, so that they arrive in order."""
        oldest = select(func.min(Delivery.id)).where(Delivery.state == "pending").group_by(Delivery.target_id)
        due = select(Delivery, NotificationTarget).join(NotificationTarget, NotificationTarget.id == Delivery.target_id, isouter=True)
        with self.database.reading() as session:
            rows = session.execute(due.where(Delivery.id.in_(oldest), Delivery.next_at <= self.clock())).all()
        for delivery, target in rows:
            if delivery.target_id not in self.tries:
                begun = self.tries[delivery.target_id] = _Try(delivery, time.monotonic() + self.sending.timeout + 1.0)
                threading.Thread(target=self._try, args=(begun, target), name=f"to {delivery.target_id}", daemon=True).start()

    def _try(self, begun: _Try, target: NotificationTarget | None) -> None:
        try:
            error = self._send(begun.delivery, target)
        except Exception as unexpected:
            log.exception("notification %d failed", begun.delivery.id)
            error = f"{type(unexpected).__name__}: {unexpected}"
        self.ended.put((begun, error))

    def _take_ended(self, patience: float) -> int:
        noted = 0
        while True:
            try:
                ended, error = self.ended.get(timeout=patience) if patience else self.ended.get_nowait()
            except queue.Empty:
                return noted
            patience = 0.0
            self.tries.pop(ended.delivery.target_id, None)
            if not ended.noted:
                self._note(ended.delivery, error)
                noted += 1

    def _give_up_late(self) -> int:
        """The look-up of a name cannot be broken off: its thread is left to itself."""
        late = [each for each in self.tries.values() if not each.noted and time.monotonic() >= each.late_at]
        for each in late:
            each.noted = True
            self._note(each.delivery, f"no answer within {self.sending.timeout:g} s")
        return len(late)

    def _send(self, delivery: Delivery, target: NotificationTarget | None) -> str:
        """Why it did not arrive; empty where it did."""
        if target is None:
            return "the target was deleted"
        sent_at, began = self.clock(), time.monotonic()
        body = body_for(target.kind, delivery, self.sending.public_url)
        headers = {"Content-Type": "application/json", "User-Agent": "groundup", "X-Groundup-Delivery": f"{target.id}.{delivery.id}"}
        if target.kind == "webhook":
            headers |= {"X-Groundup-Event": delivery.type, "X-Groundup-Signature": signature(target.secret, sent_at, body)}
        try:
            there = destination(target.url, allowed=self.sending.allowed)
            status = post(there, body, headers, timeout=self.sending.timeout - (time.monotonic() - began))
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
            if row is None or row.state != "pending":
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

    def _forget_old(self, session: Session, row: Delivery) -> None:
        if row.state == "pending":
            return
        ended = (Delivery.target_id == row.target_id, Delivery.state != "pending")
        edge = session.scalar(select(Delivery.id).where(*ended).order_by(Delivery.id.desc()).offset(KEPT).limit(1))
        if edge is not None:
            session.execute(delete(Delivery).where(*ended, Delivery.id <= edge))


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
