"""The agent of a host: its heartbeat, and the attempts that the replies bring."""

import logging
import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import Final

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics

from services.trainer.attempts import Attempt
from services.trainer.figures import AgentFigures, HostFigures
from services.trainer.host import Host
from shared.conversation import AppliedCommand, AttemptReport, Claim, EmergencyOrder, Heartbeat, HeartbeatReply, SlotReport, StateReport
from shared.errors import GroundupError
from shared.names import PROTOCOL

log = logging.getLogger(__name__)
SPACING_SECONDS: Final = 0.05
DEAF_SECONDS: Final = 5.0
"""How long an emergency stop that only a heartbeat's answer tells may be on its way; a third of the interval where that is less."""
SHIPPING_SECONDS: Final = 5.0
"""What an ended attempt gets, beyond the grace, to send its last events and state when the agent stops."""


def told(order: EmergencyOrder) -> str:
    return f"emergency stop by {order.by}: {order.reason}"


class Agent:
    """`wake` asks for a heartbeat now; `stopping` ends `run`. Give both to whoever may ask.

    `hears`: whether an emergency stop would be heard of at once; while it would not, the heartbeats are nearer to each other.
    """

    def __init__(self, host: Host, slots: Sequence[SlotReport], wake: Event, heartbeat_seconds: float) -> None:
        self.host, self.slots, self.wake, self.heartbeat_seconds = host, list(slots), wake, heartbeat_seconds
        self.hears: Callable[[], bool] = lambda: True
        self.stopping = Event()
        self.handing_over = False
        self.emergency: EmergencyOrder | None = None
        self.attempts: dict[str, Attempt] = {}
        self.ended: dict[str, AttemptReport] = {}  # claimed ones, as they last were
        self.leftover: list[AppliedCommand] = []  # of attempts that have ended
        self.acknowledged: set[tuple[str, int | None]] = set()  # by command and fence: a later attempt answers for itself
        self.failures, self.missed_because = 0, ""
        self.ready = False
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.beats = Counter("groundup_agent_heartbeats", "Heartbeats", ["answered"], registry=self.registry)
        self.answered_at = time.monotonic()
        self.registry.register(AgentFigures(self))
        self.registry.register(HostFigures(host.settings.folder))

    @property
    def silence(self) -> float:
        """Seconds since the api answered last, or since the start."""
        return max(0.0, time.monotonic() - self.answered_at)

    def stop(self) -> None:
        self.stopping.set()
        self.wake.set()

    def hand_over(self) -> None:
        """Leave the training processes to the next agent."""
        self.handing_over = True
        self.stop()

    def adopt(self, claims: Sequence[Claim]) -> set[str]:
        """Before `run`, which goes on with them: what an agent before us has left running. Which of them could be adopted."""
        for claim in claims:
            try:
                self.attempts[claim.attempt_id] = Attempt(self.host, claim.attempt_id, self._end, claim)
            except (OSError, ValueError) as error:  # unreported it counts as gone, and another attempt follows
                log.error("%s cannot be adopted: %s", claim.attempt_id, error)
        return set(self.attempts)

    def stop_everything(self, order: EmergencyOrder) -> None:
        """From any thread, and safe to repeat."""
        self.emergency = order
        for attempt in list(self.attempts.values()):
            attempt.halt(told(order))

    def run(self) -> None:
        """Returns when `stop` was called and no attempt is left, or `hand_over`."""
        for attempt in list(self.attempts.values()):  # adopted ones
            attempt.thread.start()
        while not self.stopping.is_set():
            self._beat()
            self.stopping.wait(SPACING_SECONDS)
            self.wake.wait(self._pause())
            self.wake.clear()
            self._heed_host()
        if not self.handing_over:
            self._shut_down()

    def _pause(self) -> float:
        longest = self.heartbeat_seconds if self.hears() else min(self.heartbeat_seconds / 3, DEAF_SECONDS)
        return longest if not self.failures else min(longest, 0.25 * 2 ** min(self.failures, 10))

    def _beat(self) -> None:
        report, emergency = self._report(), self.emergency
        try:
            reply = self.host.api.heartbeat(self.host.settings.name, report)
        except (GroundupError, ValueError) as error:
            self._missed(error)
            return
        if self.failures:
            log.info("the api service answers again")
        self.failures, self.ready, self.answered_at = 0, True, time.monotonic()
        self.beats.labels("yes").inc()
        self.acknowledged.update((command.command_id, command.fence) for command in report.applied)
        if self.emergency is emergency:  # else one was heard of while this reply was on its way
            self.emergency = reply.emergency
        self._follow(reply)

    def _report(self) -> Heartbeat:
        attempts, halted = list(self.attempts.values()), self.host.halted()
        applied = [*self.leftover, *(command for attempt in attempts for command in attempt.applied())]
        return Heartbeat(
            protocol=PROTOCOL,
            instance=self.host.instance,
            host=self.host.settings.host,
            slots=[] if self.stopping.is_set() or halted else self.slots,
            attempts=[report for attempt in attempts if (report := attempt.report())],
            applied=[command for command in applied if (command.command_id, command.fence) not in self.acknowledged],
            halted=halted,
        )

    def _missed(self, error: Exception) -> None:
        """Silence stops nothing: training goes on until a shared write is refused."""
        told = f"{error}; {error.remedy}" if isinstance(error, GroundupError) and error.remedy else str(error)
        if not self.failures or told != self.missed_because:
            log.warning("no answer to the heartbeat (%s); training goes on", told)
        self.missed_because = told
        self.failures += 1
        self.ready = False
        self.beats.labels("no").inc()

    def _heed_host(self) -> None:
        """A host that was stopped by hand kills; one that is about to go lets its runs save themselves, for other hosts."""
        if by_hand := self.host.stopped_by_hand():
            for attempt in list(self.attempts.values()):
                attempt.halt(by_hand)
        elif notice := self.host.halted():
            for attempt in list(self.attempts.values()):
                if not attempt.signals.shutting_down.is_set():
                    attempt.shut_down(time.monotonic() + self.host.settings.grace_seconds, notice)

    def _follow(self, reply: HeartbeatReply) -> None:
        if self.emergency:
            self.stop_everything(self.emergency)
        for preemption in reply.preempted:
            if attempt := self.attempts.get(preemption.attempt_id):
                attempt.preempt(preemption.reason)
        for attempt_id in reply.cancelled:
            if attempt := self.attempts.get(attempt_id):
                attempt.cancel("the api service says so")
        for attempt_id in reply.assignments:
            self._begin(attempt_id)
        for order in reply.commands:
            if attempt := self.attempts.get(order.attempt_id):
                attempt.obey(order)

    def _begin(self, attempt_id: str) -> None:
        """Once per attempt: the same instance that claims again would get the same fence again."""
        if last := self.ended.get(attempt_id):
            self._disown(last)
        if self.stopping.is_set() or self.emergency or self.host.halted() or attempt_id in self.attempts or attempt_id in self.ended:
            return
        attempt = self.attempts[attempt_id] = Attempt(self.host, attempt_id, self._end)
        if order := self.emergency:  # heard of meanwhile
            attempt.halt(told(order))
        attempt.thread.start()

    def _disown(self, last: AttemptReport) -> None:
        """The api still counts on an attempt that has ended here; unless it is told, the run and its slots would wait for ever."""
        log.warning("%s has ended here without the api knowing", last.attempt_id)
        reason = "its worker left it without a report"
        report = StateReport(worker=self.host.settings.name, fence=last.fence, state="failed", reason=reason, progress=last.progress)
        try:
            self.host.api.report_state(last.attempt_id, report)
        except GroundupError as error:  # Stale: all is well; else the next heartbeat brings it up again
            log.info("%s: %s", last.attempt_id, error)

    def _end(self, attempt: Attempt) -> None:
        if last := attempt.report():
            self.ended[attempt.id] = last
        self.leftover.extend(attempt.applied())
        self.attempts.pop(attempt.id, None)
        self.wake.set()

    def _shut_down(self) -> None:
        """Training saves itself within the grace; what is then left is killed, and what cannot be told is left to the next agent."""
        log.info("stopping; %d attempt(s) to end", len(self.attempts))
        kill_at = time.monotonic() + self.host.settings.grace_seconds
        for attempt in list(self.attempts.values()):
            attempt.shut_down(kill_at)
        while self.attempts and time.monotonic() < kill_at + SHIPPING_SECONDS:
            self._beat()
            self.wake.wait(min(self._pause(), 0.5))
            self.wake.clear()
        for attempt in list(self.attempts.values()):
            attempt.leave("the agent stops before everything could be told")
        for attempt in list(self.attempts.values()):
            attempt.thread.join(SHIPPING_SECONDS)
