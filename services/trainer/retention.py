"""Which checkpoints a run keeps. Here it only decides what is not worth an upload: what api keeps and deletes is api's to say."""

from collections.abc import Mapping

from shared.spec import CheckpointSpec


def kept(metrics_of: Mapping[int, Mapping[str, float]], plan: CheckpointSpec) -> set[int]:
    """Of the given steps, each with its metrics: the last ones, the best ones (of equal ones the newer), and multiples of `keep_every`."""
    newest = sorted(metrics_of)[-plan.keep_last :]
    sign = 1 if plan.best_mode == "min" else -1
    measured = sorted((sign * metrics[plan.best_metric], -step) for step, metrics in metrics_of.items() if plan.best_metric in metrics)
    regular = {step for step in metrics_of if plan.keep_every and step % plan.keep_every == 0}
    return {*newest, *regular, *(-step for _, step in measured[: plan.keep_best])}
