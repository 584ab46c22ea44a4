"""What is remembered of requests: who asked for a change, and what a repeated one was answered first."""

from services.monitor.models import Base
from serving.audit import AuditColumns
from serving.idempotency import IdempotencyColumns


class AuditRow(AuditColumns, Base):
    __tablename__ = "audit"


class IdempotencyKey(IdempotencyColumns, Base):
    __tablename__ = "idempotency_keys"
