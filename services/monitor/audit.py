"""`GET /api/v1/audit/monitor`: who asked the monitor to change what."""

from flask import current_app
from flask_openapi3.blueprint import APIBlueprint

from services.monitor.request_models import AuditRow
from serving.audit import AuditPage, audit_page
from serving.idempotency import Answer
from serving.paging import PageQuery

api = APIBlueprint("monitor_audit", __name__)


@api.get("/api/v1/audit/monitor", responses={200: AuditPage})
def list_audit(query: PageQuery) -> Answer:
    """List who asked to change alerts and notification targets, newest first (admin)"""
    return audit_page(current_app.extensions["database"], AuditRow, query)
