"""The spec's section `alerts`: what is watched for while a run trains, and what is done about it. `docs/alerts.md` tells each in full."""

from typing import Annotated, Literal

from pydantic import Field

from shared.section import Section

Severity = Literal["info", "warning", "critical"]
Action = Literal["annotate", "notify", "pause"]
LossAction = Literal["annotate", "notify", "pause", "rollback"]
"""Each does what those before it do: annotate tells an event, notify calls the webhooks too, pause and rollback also change the run."""

Window = Annotated[int, Field(ge=16, le=1024, description="newest values that are compared with")]
Patience = Annotated[int, Field(ge=1, le=10_000, description="so many steps in a row, or over so many steps")]
Share = Annotated[float, Field(gt=0, lt=1)]


class NanAlert(Section):
    """A loss or gradient norm that is not a finite number."""

    enabled: bool = True
    action: LossAction = "notify"
    steps: Patience = 1


class LossSpikeAlert(Section):
    enabled: bool = True
    action: LossAction = "annotate"
    threshold: float = Field(8.0, gt=0, le=1000, description="robust z, from which on it is a spike")
    rise: float = Field(0.1, ge=0, le=100, description="and at least so much above the median, as a share of it")
    window: Window = 128
    warmup: int = Field(100, ge=0, le=10**9, description="first steps of the run, which are not judged")
    steps: Patience = 1


class GradNormAlert(Section):
    enabled: bool = True
    action: LossAction = "annotate"
    threshold: float = Field(15.0, gt=0, le=1000, description="robust z, from which on it is too large")
    rise: float = Field(2.0, ge=0, le=1000, description="and at least so much above the median, as a share of it")
    limit: float | None = Field(None, gt=0, description="a norm that is too large whatever came before")
    window: Window = 128
    warmup: int = Field(100, ge=0, le=10**9, description="first steps of the run, which are not judged")
    steps: Patience = 1


class PlateauAlert(Section):
    enabled: bool = True
    action: Action = "annotate"
    metric: Literal["train/loss", "val/loss"] = "train/loss"
    improvement: Share = Field(0.001, description="share of the best so far by which it has to get better")
    steps: int = Field(5000, ge=10, le=10**9, description="within so many steps")


class StallAlert(Section):
    enabled: bool = True
    action: Action = "annotate"
    factor: float = Field(20.0, ge=2, le=10_000, description="times the median step")
    seconds: float = Field(120.0, ge=1, le=86_400, description="but never before so many seconds")


class ThroughputDropAlert(Section):
    enabled: bool = True
    action: Action = "annotate"
    fraction: Share = Field(0.5, description="of the run's own median, below which it is slow")
    window: Window = 200
    steps: Patience = 20


class StragglerAlert(Section):
    enabled: bool = True
    action: Action = "annotate"
    ratio: float = Field(1.5, gt=1, le=1000, description="slowest rank's time over the median rank's")
    steps: Patience = 20


class DataWaitAlert(Section):
    enabled: bool = True
    action: Action = "annotate"
    share: Share = Field(0.3, description="of the step's time that is spent waiting for data")
    steps: Patience = 50


class DiskAlert(Section):
    enabled: bool = True
    action: Action = "annotate"
    free_bytes: int = Field(2 << 30, ge=0, le=1 << 60, description="room below which it is too little")


class BudgetAlert(Section):
    """Silent until a limit is given. Time counts from step to step, over all attempts."""

    enabled: bool = True
    action: Action = "annotate"
    tokens: int | None = Field(None, ge=1, le=10**18)
    hours: float | None = Field(None, gt=0, le=10**6)
    cost_usd: float | None = Field(None, gt=0, le=10**9)
    usd_per_slot_hour: float | None = Field(None, gt=0, le=10**6, description="what cost_usd is reckoned with")


class AlertsSpec(Section):
    nan: NanAlert = NanAlert()
    loss_spike: LossSpikeAlert = LossSpikeAlert()
    grad_norm: GradNormAlert = GradNormAlert()
    plateau: PlateauAlert = PlateauAlert()
    stall: StallAlert = StallAlert()
    throughput_drop: ThroughputDropAlert = ThroughputDropAlert()
    straggler: StragglerAlert = StragglerAlert()
    data_wait: DataWaitAlert = DataWaitAlert()
    disk: DiskAlert = DiskAlert()
    budget: BudgetAlert = BudgetAlert()
    max_rollbacks: int = Field(2, ge=0, le=100, description="so often a detector may roll the run back; after that it only tells")
