"""`python -m services.trainer.main_agent`: the agent, one per host. It owns the training processes and never imports torch."""

import fcntl
import logging
import os
import signal
import sys
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Event
from typing import IO

import httpx

from services.trainer import hints
from services.trainer.agent import Agent
from services.trainer.archive import Archive
from services.trainer.children import torchrun
from services.trainer.emergency import EmergencyWatch
from services.trainer.figures import GpuFigures
from services.trainer.halting import Halting
from services.trainer.host import Host
from services.trainer.interruption import Interruption
from services.trainer.readings import Readings
from services.trainer.recovery import adoptable, prune, recover
from services.trainer.sampler import Sampler
from services.trainer.settings import AgentSettings
from services.trainer.shipper import Shipper
from services.trainer.slots import find_slots
from services.trainer.transfers import store_client
from shared import bus
from shared.api_client import ApiClient
from shared.conversation import SlotReport
from shared.crash import arm
from shared.errors import EnvironmentFault
from shared.settings import Settings
from shared.storage_client import StorageClient

log = logging.getLogger("services.trainer.main_agent")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        arm(os.environ.get("CRASH_AT", ""))
        run(os.environ)
    except EnvironmentFault as error:
        sys.exit(f"{error.detail}; {error.remedy}")


def run(environ: Mapping[str, str]) -> None:
    shared, own = Settings.read(environ), AgentSettings.read(environ, Settings.read(environ).data_dir)
    slots = find_slots(own)
    own.folder.mkdir(parents=True, exist_ok=True)
    with only_one(own.folder), bus.connect(shared.redis_url) as client, store_client() as http:
        wake, shipper = Event(), Shipper(client)
        interruption = Interruption(own.interruption_file, own.interruption_url, http, wake.set)
        host = Host(
            settings=own,
            instance=uuid.uuid4().hex,
            api=ApiClient(shared.api_url, shared.join_secret),
            storage=storage_client(shared),
            http=http,
            shipper=shipper,
            environ=environ,
            threads=max(1, (os.cpu_count() or 1) // len(slots)),
            command=partial(torchrun, sys.executable),
            poke=wake.set,
            halting=Halting(own.folder, lambda: interruption.notice),
        )
        agent = Agent(host, slots, wake, shared.heartbeat_seconds)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: agent.stop())
        signal.signal(signal.SIGUSR1, lambda _number, _frame: agent.hand_over())
        emergency = EmergencyWatch(shared.redis_url, agent.stop_everything, wake.set)
        agent.hears = emergency.listening.is_set
        sampler = Sampler(own.name, readings(own.folder, slots), client)
        agent.registry.register(GpuFigures(lambda: sampler.newest))
        watches = (emergency, interruption, sampler)
        for watch in watches:
            watch.start()
        try:
            live(agent, shared.join_secret)
        finally:
            for watch in watches:
                watch.stop()


def live(agent: Agent, join_secret: str) -> None:
    """Everything on, until the agent is told to stop; then everything off."""
    host = agent.host
    port = host.settings.port
    try:
        server = hints.serve(port, poke=agent.wake.set, ready=lambda: agent.ready, registry=agent.registry, join_secret=join_secret)
    except OSError as error:
        raise EnvironmentFault(f"port {port} is taken: {error}", remedy="set GROUNDUP_AGENT_PORT to a free one") from error
    host.shipper.start()
    archive = Archive(host.attempts_folder, host.settings.spool_bytes, host.shipper.client, host.shipper)
    archive.start()
    adopted = agent.adopt(adoptable(host.attempts_folder))
    recover(host.attempts_folder, host.shipper, agent.stopping, adopted)
    prune(host.cache)
    log.info("worker '%s', agent %s, on 127.0.0.1:%d", host.settings.name, host.instance, server.server_port)
    try:
        agent.run()
    finally:
        server.shutdown()
        server.server_close()
        archive.stop()
        host.shipper.stop()
    if agent.handing_over:
        log.info("%d attempt(s) are left to the next agent", len(agent.attempts))
        logging.shutdown()
        os._exit(0)  # at once: the threads that watch over them must not end them
    log.info("stopped")


def only_one(folder: Path) -> IO[str]:
    """Two agents of one name would end each other's children. The lock goes with the process. Raises EnvironmentFault."""
    lock = (folder / "agent.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise EnvironmentFault(f"another agent works in {folder}", remedy="stop it, or set another GROUNDUP_WORKER_NAME") from None
    return lock


def readings(folder: Path, slots: Sequence[SlotReport]) -> Readings:
    """A worker that offers no GPU leaves those of its host to others."""
    return Readings(folder) if any(slot.device == "cuda" for slot in slots) else Readings(folder, nvml=None)


def storage_client(settings: Settings) -> StorageClient:
    """It reads a whole checkpoint back before it answers, which takes a while; that it is down should still be seen at once."""
    client = StorageClient(settings.storage_url, settings.join_secret)
    client.http.timeout = httpx.Timeout(600, connect=5)
    return client


if __name__ == "__main__":
    main()
