"""Events of the detectors, on the topic that they watch: a run's, a worker's or `cluster`."""

from typing import Literal

from pydantic import Field

from shared.alerts import Severity
from shared.event import Event


class DetectorFired(Event):
    """`step`: the last one seen, 0 where there is none. `window`: further numbers that led to it. `actions`: what is done about it."""

    type: Literal["DetectorFired"] = "DetectorFired"
    alert_id: str
    detector: str
    severity: Severity
    step: int
    metric: str
    value: float
    threshold: float
    window: dict[str, float] = Field(default_factory=dict)
    message: str
    remedy: str = ""
    actions: list[str]


class DetectorCleared(Event):
    """What an earlier DetectorFired told of has passed."""

    type: Literal["DetectorCleared"] = "DetectorCleared"
    alert_id: str
    detector: str
    step: int
    message: str


class AlertActionTaken(Event):
    """What became of the pause or rollback that an alert asked for."""

    type: Literal["AlertActionTaken"] = "AlertActionTaken"
    alert_id: str
    detector: str
    action: Literal["pause", "rollback"]
    outcome: Literal["requested", "refused"]
    command_id: str = ""
    reason: str = ""
