"""Which checkpoints a run keeps. Here it only decides what is not worth an upload: what api keeps and deletes is api's to say."""

from collections.abc import Mapping

from shared.names import Metric
from shared.spec import CheckpointSpec


def kept(metrics_of: Mapping[int, Mapping[str, float]], plan: CheckpointSpec) -> set[int]:
    """Of the given steps, each with its metrics: the last ones, and those with the lowest validation loss."""
    newest = sorted(metrics_of)[-plan.keep_last :]
    measured = sorted((metrics[Metric.VAL_LOSS], step) for step, metrics in metrics_of.items() if Metric.VAL_LOSS in metrics)
    return {*newest, *(step for _, step in measured[: plan.keep_best])}
