"""Who listens to the runs of a platform, and keeps their spools: what was told and what is kept, run by run."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from services.trainer.spool import read_spool
from shared.names import CLUSTER_TOPIC
from shared.training_events import StepCompleted
from tests.chaos.heard import Kept, mistakes
from tests.chaos.hosts import AGENTS, Hosts
from tests.chaos.listening import Ears, Heard, listening
from tests.servers import wait_until

SECONDS: Final = 20.0
LOOK_SECONDS: Final = 0.05


class Witness:
    """`counts`: of what the clients were told."""

    def __init__(self, platform: Hosts, ears: Ears) -> None:
        self.platform, self.ears = platform, ears
        self.folder = platform.folder / "spools"
        self.folder.mkdir(exist_ok=True)
        self.counts: Counter[str] = Counter()
        self.stopping = threading.Event()
        self.keeper = threading.Thread(target=self._keep_spools, daemon=True, name="keeper")

    def _keep_spools(self) -> None:
        """A second name for every attempt's file, so that it outlives the run directory."""
        while not self.stopping.wait(LOOK_SECONDS):
            for agent in AGENTS:
                for spool in (self.platform.folder / "worker" / agent / "attempts").glob("*/spool"):
                    with contextlib.suppress(FileExistsError, FileNotFoundError):
                        (self.folder / spool.parent.name).hardlink_to(spool)

    def follow(self, run_id: str) -> None:
        self.ears.follow(run_id)

    def judge(self, run_id: str) -> list[str]:
        """Of a run that has ended, in words; once everybody had time to hear its end."""
        return self._judge(run_id, self._logged(run_id))

    def judge_cluster(self) -> list[str]:
        return [f"{CLUSTER_TOPIC}: {what}" for what in self._judge(CLUSTER_TOPIC, {})]

    def _judge(self, topic: str, logged: Mapping[int, Sequence[int]]) -> list[str]:
        """What was told first, then what is kept: it may grow meanwhile."""
        found, logs = self._late(topic), self._logs(topic)
        self._count(topic)
        return found + mistakes(logs, logged, kept_of(self.platform, topic))

    def _late(self, topic: str) -> list[str]:
        """Clients that never got to the end of a topic, which must rest."""

        def there() -> bool:
            return all(ear.positions.get(topic) == self.platform.place(topic) for ear in self.ears.all)

        try:
            wait_until(there, "all clients are told everything", SECONDS)
        except TimeoutError:
            end = self.platform.place(topic)
            stuck = {ear.name: ear.positions.get(topic) for ear in self.ears.all}
            return [f"{name} stands at {place} of {end}; it said {self._said(name)}" for name, place in stuck.items() if place != end]
        return []

    def _said(self, name: str) -> list[str]:
        return next(ear.told for ear in self.ears.all if ear.name == name)[-2:]

    def _logs(self, topic: str) -> Mapping[str, Sequence[Heard]]:
        return {ear.name: list(ear.log[topic]) for ear in self.ears.all}

    def _count(self, topic: str) -> None:
        names = {"event": "events", "reset": "resets", "cut": "connections lost", "subscribed": "subscriptions"}
        self.counts.update(names[heard.kind] for log in self._logs(topic).values() for heard in log)

    def _logged(self, run_id: str) -> Mapping[int, Sequence[int]]:
        return {
            attempt.number: steps_in(self.folder / attempt.id)
            for attempt in self.platform.attempts(run_id)
            if (self.folder / attempt.id).exists()
        }


@contextlib.contextmanager
def witnesses(platform: Hosts) -> Iterator[Witness]:
    with listening(platform.environ["GROUNDUP_MONITOR_URL"], [CLUSTER_TOPIC]) as ears:
        witness = Witness(platform, ears)
        witness.keeper.start()
        try:
            yield witness
        finally:
            witness.stopping.set()
            witness.keeper.join()


def steps_in(spool: Path) -> list[int]:
    return [record.event.step for record in read_spool(spool, 0)[0] if isinstance(record.event, StepCompleted)]


def kept_of(platform: Hosts, topic: str) -> Kept:
    """Once the history has what Redis has of the topic."""
    wait_until(lambda: platform.committed(topic), f"the history of {topic} is complete", SECONDS)
    return read_kept(platform.monitor, topic)


def read_kept(monitor: httpx.Client, topic: str) -> Kept:
    kept = Kept()
    query: dict[str, Any] = {"names": "train/loss", "buckets": 5000, "attempts": "all"}
    for series in monitor.get(f"/api/v1/runs/{topic}/metrics", params=query).raise_for_status().json()["series"]:
        for step, count in zip(series["x"], series["count"], strict=True):
            kept.steps[series["attempt"], int(step)] += count
    cursor: str | None = None
    while True:
        page: dict[str, Any] = {"limit": 100, **({"cursor": cursor} if cursor else {})}
        answer = monitor.get(f"/api/v1/runs/{topic}/events", params=page).raise_for_status().json()
        kept.events += [(item["producer"], item["producer_seq"]) for item in answer["items"]]
        if (cursor := answer["next_cursor"]) is None:
            return kept
