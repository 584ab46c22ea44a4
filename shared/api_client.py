"""Calls to the api service: the worker's, and the monitor's."""

from shared.conversation import (
    CheckpointCommit,
    CheckpointDamage,
    CheckpointMetrics,
    Claim,
    ClaimRequest,
    Heartbeat,
    HeartbeatReply,
    StateReport,
)
from shared.http import InternalClient
from shared.internal import RightsAnswer, RightsQuestion


class ApiClient(InternalClient):
    def heartbeat(self, worker: str, report: Heartbeat) -> HeartbeatReply:
        return self.post(f"/internal/workers/{worker}/heartbeat", report, HeartbeatReply)

    def claim(self, attempt_id: str, request: ClaimRequest) -> Claim:
        """Raises Stale where the attempt is not this worker's to run. The same instance may repeat its claim and gets the same fence."""
        return self.post(f"/internal/attempts/{attempt_id}/claim", request, Claim)

    def report_state(self, attempt_id: str, report: StateReport) -> None:
        """Raises Stale where another attempt has taken over."""
        self.call("POST", f"/internal/attempts/{attempt_id}/state", report)

    def commit_checkpoint(self, attempt_id: str, commit: CheckpointCommit) -> None:
        """Raises Stale; after that the checkpoint is not visible and never will be. Repeating a commit is harmless."""
        self.call("POST", f"/internal/attempts/{attempt_id}/checkpoints", commit)

    def report_metrics(self, attempt_id: str, metrics: CheckpointMetrics) -> None:
        """Raises Stale, and NotFound where the run has no committed checkpoint of that step. Repeating a report is harmless."""
        self.call("POST", f"/internal/attempts/{attempt_id}/metrics", metrics)

    def report_damage(self, attempt_id: str, damage: CheckpointDamage) -> None:
        """Raises Stale. Repeating a report is harmless."""
        self.call("POST", f"/internal/attempts/{attempt_id}/damaged", damage)

    def valid_credentials(self, credentials: list[str]) -> set[str]:
        """Those that still log somebody in."""
        return set(self.post("/internal/rights", RightsQuestion(credentials=credentials), RightsAnswer).valid)
