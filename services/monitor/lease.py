"""One process at a time watches; another takes over when it falls silent."""

from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import CursorResult, or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.monitor.alert_models import Lease
from serving.database import Database

LEASE_SECONDS: Final = 10.0
_NAME: Final = "detectors"


class LeaseLost(Exception):
    """Another process watches now; nothing was written."""


@dataclass(frozen=True)
class Holder:
    """`name`: of this process, never used by another."""

    name: str

    def take(self, database: Database, now: float) -> bool:
        """Whether it is ours, now and for LEASE_SECONDS."""
        try:
            with database.writing() as session:
                if session.get(Lease, _NAME) is None:
                    session.add(Lease(name=_NAME, holder=self.name, expires_at=now + LEASE_SECONDS))
                    return True
                return self._renew(session, now, or_(Lease.holder == self.name, Lease.expires_at < now))
        except IntegrityError:
            return False  # another one made the row at the same moment

    def insist(self, session: Session, now: float) -> None:
        """First in each transaction: the lease's row stays locked until its end. Raises LeaseLost."""
        if not self._renew(session, now, Lease.holder == self.name):
            raise LeaseLost

    def release(self, database: Database) -> None:
        with database.writing() as session:
            session.execute(update(Lease).where(Lease.name == _NAME, Lease.holder == self.name).values(expires_at=0.0))

    def _renew(self, session: Session, now: float, condition: Any) -> bool:
        change = update(Lease).where(Lease.name == _NAME, condition).values(holder=self.name, expires_at=now + LEASE_SECONDS)
        return cast(CursorResult[Any], session.execute(change.execution_options(synchronize_session=False))).rowcount == 1
