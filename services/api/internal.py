"""The worker's side (join secret): shared/api_client.py calls these; and the detectors': shared/alert_actions.py."""

from flask import request
from flask_openapi3.blueprint import APIBlueprint

from services.api.alert_actions import act
from services.api.attempts import claim, report_state
from services.api.commit import commit_checkpoint, note_metrics
from services.api.damage import report_damage
from services.api.halting import note_refused
from services.api.heartbeat import beat, must_speak_ours
from services.api.parts import parts
from services.api.paths import AttemptPath, RunPath
from serving.idempotency import Answer
from shared.alert_actions import AlertAction
from shared.conversation import CheckpointCommit, CheckpointDamage, CheckpointMetrics, ClaimRequest, Heartbeat, StateReport, WorkerName
from shared.crash import crash_point
from shared.errors import Conflict

api = APIBlueprint("internal", __name__, url_prefix="/internal", doc_ui=False)


@api.before_request
def refuse_other_protocols() -> None:
    """Before the body is checked: a heartbeat of another version may have other fields, and the fields are not what is at fault."""
    if request.path.endswith("/heartbeat"):
        name, message = (request.view_args or {}).get("name", ""), request.get_json(silent=True)
        try:
            must_speak_ours(name, message)
        except Conflict as refusal:
            note_refused(parts().database, name, message, refusal, parts().clock())
            raise


@api.post("/workers/<name>/heartbeat")
def post_heartbeat(path: WorkerName, body: Heartbeat) -> Answer:
    settings = parts().settings
    reply = beat(parts().database, path.name, body, lease_seconds=settings.lease_seconds, now=parts().clock())
    return reply.model_dump(), 200


@api.post("/attempts/<attempt_id>/claim")
def post_claim(path: AttemptPath, body: ClaimRequest) -> Answer:
    with parts().database.writing() as session:
        return claim(session, path.attempt_id, body, parts().clock()).model_dump(mode="json"), 200


@api.post("/attempts/<attempt_id>/state")
def post_state(path: AttemptPath, body: StateReport) -> tuple[str, int]:
    with parts().database.writing() as session:
        report_state(session, path.attempt_id, body, parts().clock())
    return "", 204


@api.post("/attempts/<attempt_id>/checkpoints")
def post_checkpoint(path: AttemptPath, body: CheckpointCommit) -> tuple[str, int]:
    with parts().database.writing() as session:
        commit_checkpoint(session, path.attempt_id, body, parts().clock())
        crash_point("api.before_commit")
    crash_point("api.after_commit")
    return "", 204


@api.post("/attempts/<attempt_id>/damaged")
def post_damage(path: AttemptPath, body: CheckpointDamage) -> tuple[str, int]:
    with parts().database.writing() as session:
        report_damage(session, path.attempt_id, body, parts().clock())
    return "", 204


@api.post("/attempts/<attempt_id>/metrics")
def post_metrics(path: AttemptPath, body: CheckpointMetrics) -> tuple[str, int]:
    with parts().database.writing() as session:
        note_metrics(session, path.attempt_id, body)
    return "", 204


@api.post("/runs/<run_id>/alert-actions")
def post_alert_action(path: RunPath, body: AlertAction) -> Answer:
    with parts().database.writing() as session:
        return act(session, path.run_id, body, parts().clock()).model_dump(), 200
