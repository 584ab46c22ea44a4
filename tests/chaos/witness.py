"""Who listens to the runs of a platform, and keeps their spools: what was told and what is kept, run by run."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from shared.names import CLUSTER_TOPIC
from tests.chaos.compared import unlike_the_outbox, unlike_the_spools
from tests.chaos.heard import mistakes
from tests.chaos.hosts import AGENTS, Hosts
from tests.chaos.kept import Kept, read_kept
from tests.chaos.listening import Ears, Heard, listening
from tests.chaos.spools import Keeper, Said
from tests.servers import wait_until

SECONDS: Final = 20.0


class Witness:
    """`counts`: of what the clients were told, and of what was compared. `good`: runs of which nothing was found."""

    def __init__(self, platform: Hosts, ears: Ears, keeper: Keeper) -> None:
        self.platform, self.ears, self.keeper = platform, ears, keeper
        self.counts: Counter[str] = Counter()
        self.good: list[str] = []

    def follow(self, run_id: str) -> None:
        self.ears.follow(run_id)

    def judge(self, run_id: str) -> list[str]:
        """Of a run that has ended, in words; once everybody had time to hear its end, and the history to have it."""
        found = self._judge(run_id)
        self.good += [] if found else [run_id]
        return found

    def judge_again(self) -> list[str]:
        """Of all runs with nothing wrong: whether that is so at the end, after all that was told again meanwhile."""
        return [f"{run_id}, at the end: {what}" for run_id in self.good for what in self._unlike(run_id)]

    def judge_cluster(self) -> list[str]:
        return [f"{CLUSTER_TOPIC}: {what}" for what in self._judge(CLUSTER_TOPIC)]

    def _judge(self, topic: str) -> list[str]:
        """What was told first, then what is kept: it may grow meanwhile."""
        with contextlib.suppress(TimeoutError):  # what it does not have is told below
            wait_until(lambda: not self._unlike(topic), f"the history of {topic}", SECONDS)
        found, logs = self._late(topic), self._logs(topic)
        said, numbers, kept = self._said(topic), self.platform.outbox(topic), kept_of(self.platform, topic)
        self._count(topic)
        self._count_compared(said, kept)
        return [*found, *mistakes(logs, said, kept), *unlike_the_outbox(numbers, kept)]

    def _unlike(self, topic: str) -> list[str]:
        said, numbers, kept = self._said(topic), self.platform.outbox(topic), kept_of(self.platform, topic)
        return [*unlike_the_spools(said, kept), *unlike_the_outbox(numbers, kept)]

    def _late(self, topic: str) -> list[str]:
        """Clients that never got to the end of a topic, which must rest."""

        def there() -> bool:
            return all(ear.positions.get(topic) == self.platform.place(topic) for ear in self.ears.all)

        try:
            wait_until(there, "all clients are told everything", SECONDS)
        except TimeoutError:
            end = self.platform.place(topic)
            stuck = {ear.name: ear.positions.get(topic) for ear in self.ears.all}
            return [f"{name} stands at {place} of {end}; it said {self._told(name)}" for name, place in stuck.items() if place != end]
        return []

    def _told(self, name: str) -> list[str]:
        return next(ear.told for ear in self.ears.all if ear.name == name)[-2:]

    def _logs(self, topic: str) -> Mapping[str, Sequence[Heard]]:
        return {ear.name: list(ear.log[topic]) for ear in self.ears.all}

    def _count(self, topic: str) -> None:
        names = {"event": "events", "reset": "resets", "cut": "connections lost", "subscribed": "subscriptions"}
        self.counts.update(names[heard.kind] for log in self._logs(topic).values() for heard in log)

    def _count_compared(self, said: Sequence[Said], kept: Kept) -> None:
        self.counts["attempts"] += len(said)
        self.counts["segments"] += sum(one.segments for one in said)
        self.counts["points"] += sum(map(len, kept.points.values()))
        self.counts["lines"] += len(kept.line_numbers)

    def _said(self, run_id: str) -> Sequence[Said]:
        """Of every attempt; what ran has trained."""
        self.keeper.look()
        attempts = self.platform.attempts(run_id)
        return [Said.read(one.number, self.keeper.folder / one.id, trained=one.started_at is not None) for one in attempts]


@contextlib.contextmanager
def witnesses(platform: Hosts) -> Iterator[Witness]:
    workers = [platform.folder / "worker" / agent for agent in AGENTS]
    with (
        listening(platform.environ["GROUNDUP_MONITOR_URL"], [CLUSTER_TOPIC]) as ears,
        Keeper(workers, platform.folder / "kept-spools") as keeper,
    ):
        yield Witness(platform, ears, keeper)


def kept_of(platform: Hosts, topic: str) -> Kept:
    """Once the history has what Redis has of the topic."""
    wait_until(lambda: platform.committed(topic), f"the history of {topic} is complete", SECONDS)
    return read_kept(platform.monitor, topic)
