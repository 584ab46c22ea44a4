"""One attempt on this host, from its claim to its last report. Each lives in a thread of its own."""

import errno
import json
import logging
import os
import time
from collections.abc import Callable
from threading import Event, Thread

from services.trainer.archive import retire
from services.trainer.children import kill_marked
from services.trainer.host import Host
from services.trainer.patience import GaveUp, patiently
from services.trainer.prepare import restored_of
from services.trainer.progress import SpoolWatch
from services.trainer.recovery import remove_earlier, remove_when_shipped, ship_rest
from services.trainer.room import is_full
from services.trainer.rundir import AttemptOrder, Order, RunDirectory, write_whole
from services.trainer.signals import Signals
from services.trainer.tail import Tail
from services.trainer.training import Training
from shared.commands import CommandType
from shared.conversation import AppliedCommand, AttemptReport, Claim, ClaimRequest, CommandOrder, StateReport
from shared.errors import Stale

log = logging.getLogger(__name__)


def _order_in(line: bytes) -> Order | None:
    """None where it cannot be read, which the training leaves out, too."""
    try:
        return Order.model_validate_json(line)
    except ValueError:
        return None


class Attempt:
    """`adopted`: the claim of an agent before us, whose processes it goes on with."""

    def __init__(self, host: Host, attempt_id: str, on_end: Callable[["Attempt"], None], adopted: Claim | None = None) -> None:
        self.host, self.id, self.on_end, self.adopted = host, attempt_id, on_end, adopted is not None
        self.directory = RunDirectory(host.attempts_folder / attempt_id)
        self.watch = SpoolWatch(self.directory.spool)
        self.claim: Claim | None = adopted
        self.orders: dict[str, CommandOrder] = {}
        self.passed_on = set[str]()
        self.signals = Signals()
        self.crowded = self.left = False
        self.late: list[Tail] = []
        self.thread = Thread(target=self._run, name=attempt_id, daemon=True)
        if adopted:
            self._catch_up(adopted)

    def report(self) -> AttemptReport | None:
        """For the heartbeat; None while it is not claimed."""
        if self.claim is None:
            return None
        return AttemptReport(attempt_id=self.id, fence=self.claim.fence, progress=self.watch.progress, held=self.watch.held)

    def applied(self) -> list[AppliedCommand]:
        killed = [order for order in self.orders.values() if order.type == "kill"] if self.signals.killed.is_set() else []
        said = [
            *self.watch.applied,
            *(AppliedCommand(command_id=order.command_id, step=self.watch.progress.step, ranks=0) for order in killed),
        ]
        return [command.model_copy(update={"fence": self.claim.fence if self.claim else None}) for command in said]

    def obey(self, order: CommandOrder) -> None:
        """Safe to repeat: heartbeat replies do, until the command is applied."""
        if order.command_id in self.orders:
            return
        if order.type == CommandType.KILL:
            self.signals.killed.set()
            self.signals.interrupt.set()
        elif order.command_id not in self.passed_on:
            try:
                self._pass_on(Order(command_id=order.command_id, type=order.type, arguments=order.arguments))
            except OSError as error:
                log.error("%s: '%s' could not be passed on: %s; the next heartbeat repeats it", self.id, order.type, error)
                return
        self.orders[order.command_id] = order

    def _catch_up(self, claim: Claim) -> None:
        """What an agent before us knew, before the first heartbeat tells of it. Raises ValueError and OSError where that is unreadable."""
        order = AttemptOrder.model_validate_json(self.directory.order.read_bytes())
        self.watch.resume(restored_of(claim, order))
        self.watch.read()
        self.passed_on = self._orders_before()
        if self.directory.leaving.exists():
            asked = json.loads(self.directory.leaving.read_bytes())
            self.signals.preempted = asked["preempted"]
            self.shut_down(time.monotonic() + self.host.settings.grace_seconds, asked["reason"])

    def _orders_before(self) -> set[str]:
        """What an agent before us has passed on; a line it did not finish is cut off."""
        if not self.directory.commands.exists():
            return set()
        lines = self.directory.commands.read_bytes()
        whole = lines[: lines.rfind(b"\n") + 1]
        if whole != lines:
            os.truncate(self.directory.commands, len(whole))
        return {order.command_id for line in whole.splitlines() if (order := _order_in(line))}

    def _pass_on(self, order: Order) -> None:
        """Raises OSError where there is no room; then nothing of it is in the file."""
        line = f"{order.model_dump_json()}\n".encode()
        self.directory.root.mkdir(parents=True, exist_ok=True)
        with self.directory.commands.open("ab", buffering=0) as file:
            if (written := file.write(line)) < len(line):
                file.truncate(file.tell() - written)
                raise OSError(errno.ENOSPC, "no room for an order")

    def cancel(self, reason: str) -> None:
        """It is no longer ours: end it and leave no trace."""
        log.warning("%s is no longer ours: %s", self.id, reason)
        self.signals.abandon.set()
        self.signals.interrupt.set()

    def leave(self, reason: str) -> None:
        """End its processes, and leave the rest of it to the next agent: a checkpoint may wait that is worth telling of."""
        self.left = True
        self.cancel(reason)

    def halt(self, reason: str) -> None:
        """An emergency: its processes are killed at once."""
        self.signals.halted = self.signals.halted or reason
        self.signals.interrupt.set()

    def preempt(self, reason: str) -> None:
        """Let it save itself and give back its slots. Safe to repeat."""
        if not self.signals.preempted and not self.signals.shutting_down.is_set():
            self.signals.preempted = reason
            self.shut_down(time.monotonic() + self.host.settings.grace_seconds)

    def shut_down(self, kill_at: float, reason: str = "the worker is shutting down") -> None:
        """Let it save itself and end, until `kill_at` (monotonic)."""
        self.signals.kill_at, self.signals.leaving = min(self.signals.kill_at, kill_at), reason
        self.signals.shutting_down.set()
        self.signals.interrupt.set()
        self._note_leaving(reason)

    def _note_leaving(self, reason: str) -> None:
        """So that an agent after us knows why its processes ended."""
        if self.directory.launcher.exists():
            try:
                write_whole(self.directory.leaving, json.dumps({"reason": reason, "preempted": self.signals.preempted}))
            except OSError as error:
                log.warning("%s: it cannot be noted that it leaves: %s", self.id, error)

    def _run(self) -> None:
        again = False
        try:
            again = self._live()
        except (Stale, GaveUp) as error:
            log.warning("%s is left: %s", self.id, error)
        except Exception:
            log.exception("%s is left", self.id)
        finally:
            try:
                if not self.left:
                    self._clean_up(again)
            except Exception:
                log.exception("%s: its folders stay until the agent is started anew", self.id)
            finally:
                self.on_end(self)

    def _live(self) -> bool:
        """Whether another attempt is to follow that will be glad of what is left here."""
        claim = self.claim or self._take()
        log.info("%s: attempt %d of %s, fence %d%s", self.id, claim.attempt, claim.run_id, claim.fence, ", adopted" if self.adopted else "")
        self.host.poke()
        report = self._train(claim).model_copy(update={"applied": self.applied()})
        patiently(lambda: self.host.api.report_state(self.id, report), f"{self.id}: reporting '{report.state}'", self.signals.abandon)
        log.info("%s: %s %s", self.id, report.state, report.reason)
        self.directory.reported.touch()
        return report.state == "failed" and report.retry and not self.crowded

    def _take(self) -> Claim:
        request = ClaimRequest(worker=self.host.settings.name, instance=self.host.instance)
        claim = patiently(lambda: self.host.api.claim(self.id, request), f"claiming {self.id}", self.signals.abandon)
        self.watch.resume(claim.checkpoints[0] if claim.checkpoints else None)
        self.claim = claim
        return claim

    def _train(self, claim: Claim) -> StateReport:
        """Whatever happens here, api is told how it ended; a claimed attempt that nobody speaks of would hold its run for ever."""
        try:
            with Training(self.host, claim, self.watch, self.signals, self.cancel) as training:
                self.late = training.late
                report = training.ship(training.run(adopted=self.adopted))
                self.crowded = training.verdicts.crowded
                return report
        except (OSError, ValueError) as error:
            log.exception("%s could not be carried through", self.id)
            kill_marked(self.id)  # an adopted one has processes before there is a Training
            self.late = self.late or ship_rest(self.directory, self.host.shipper)
            reason, crowded = f"the agent failed: {error}", isinstance(error, OSError) and is_full(error)
            return StateReport(worker=self.host.settings.name, fence=claim.fence, state="failed", reason=reason, counts=not crowded)

    def _clean_up(self, again: bool) -> None:
        """Where another attempt follows, its checkpoints stay to spare it the download. Earlier attempts' are of no more use."""
        if self.claim:
            remove_earlier(self.host.attempts_folder, self.claim, self.host.shipper)
        if self.late:
            left = ([(self.directory.root, self.late)], self.host.shipper, Event())
            Thread(target=remove_when_shipped, args=left, name=f"late-{self.id}", daemon=True).start()
            self.directory.reported.touch()  # its events are all that the next agent has to do with it
        elif not again:
            retire(self.directory.root)
