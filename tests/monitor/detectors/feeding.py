"""Series of metrics through detectors, without Redis and without a database."""

from collections.abc import Iterable, Sequence

from services.monitor.detectors.detector import Detector, Finding, Step
from services.monitor.detectors.watch import detectors_of
from shared.alerts import AlertsSpec


def feed(detector: Detector, name: str, values: Iterable[float], *, first: int = 1, seconds: float = 0.1) -> list[Finding]:
    """What it says of one metric, a value a step."""
    steps = (Step(step, step * 100, step * seconds, {name: value}) for step, value in enumerate(values, first))
    return [finding for step in steps if (finding := detector.see(step))]


def told(findings: Sequence[Finding]) -> list[tuple[str, int]]:
    return [(finding.kind, finding.step) for finding in findings]


def only(name: str, **settings: object) -> Detector:
    """The detector of this name as a spec makes it."""
    spec = AlertsSpec.model_validate({name: settings})
    (found,) = [detector for detector in detectors_of(spec) if detector.name == name]
    return found
