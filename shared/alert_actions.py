"""What the detectors ask of the api, with the join secret: to pause a run, or to roll it back."""

from typing import Literal

from pydantic import Field

from shared.http import InternalClient
from shared.internal import Label, Message


class AlertAction(Message):
    """`alert_id` makes a repeated request harmless.

    attempt, step: where it was found; the run must not have gone elsewhere since. passed: why it is not to be done any more, if so; then
    the answer is what was made of an earlier request, whose answer may have been lost, or else a refusal with these words.
    """

    alert_id: Label
    detector: Label
    action: Literal["pause", "rollback"]
    attempt: int = Field(ge=0)
    step: int = Field(ge=0)
    max_rollbacks: int = Field(ge=0)
    passed: str = ""


class AlertCommand(Message):
    """The command that was made of it."""

    command_id: str
    state: str


class ActionClient(InternalClient):
    def act(self, run_id: str, action: AlertAction) -> AlertCommand:
        """Raises Conflict or InvalidField where the run does not allow it, NotFound where there is none."""
        return self.post(f"/internal/runs/{run_id}/alert-actions", action, AlertCommand)
