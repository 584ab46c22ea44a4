"""`GET /api/v1/audit`: who asked api to change what."""

from flask_openapi3.blueprint import APIBlueprint

from services.api.models import AuditRow
from services.api.parts import parts
from serving.audit import AuditPage, audit_page
from serving.idempotency import Answer
from serving.paging import PageQuery

api = APIBlueprint("audit", __name__)


@api.get("/api/v1/audit", responses={200: AuditPage})
def list_audit(query: PageQuery) -> Answer:
    """List who asked to change what, newest first (admin)"""
    return audit_page(parts().database, AuditRow, query)
