"""What is wrong with a Groundup server, seen from a client, and what to do about it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from groundup.account import Me
from groundup.client import Client
from groundup.config import config_path
from groundup.generation import Sampling
from groundup.problems import ApiProblem, ClientError, LocalProblem, Unreachable

_LOGS: Final = "look at what its log says in the data folder's logs/, then `./run up`"
_ENOUGH_DISK: Final = 2 << 30
"""Bytes; a small run with its dataset and checkpoints fits in."""
_UNNOTICED: Final = {None, "", "waits for the scheduler"}
"""Reasons of a queued run that the scheduler has not looked at yet; it does within a second."""
_LOOKS: Final = 10
_LOOK_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Finding:
    name: str
    state: Literal["ok", "problem", "skipped"]
    detail: str
    remedy: str = ""


class _Unseen(Exception):
    """Neither well nor ill, as far as can be told; why, in words."""


def diagnose(client: Client) -> Iterator[Finding]:
    """One finding after the other. Behind a gateway that is away or a token that is refused nothing more can be seen."""
    config = client.config
    yield Finding("configuration", "ok", f"{config.url} (from: {config.url_from}), token from: {config.token_from}")
    if config.local:
        yield _disk(client)
    gateway = _finding("gateway", lambda: _gateway(client), "start the server with `./run up`, or name the right one with GROUNDUP_URL")
    yield gateway
    if gateway.state == "problem":
        return
    me, token = _token(client)
    yield token
    if me is None:
        return
    yield _finding("api", lambda: _api(client), _LOGS)
    yield _finding("storage and S3", lambda: _storage(client), _LOGS)
    yield _finding("monitor and Redis", lambda: _monitor(client), _LOGS)
    yield _finding("scheduler", lambda: _scheduler(client), _LOGS)
    yield _finding("queue", lambda: _queue(client), "`groundup queue show` says more")
    yield _finding("workers", lambda: _workers(client), "`./run up` starts one on this machine")
    yield _finding("generator", lambda: _generator(client, me), _LOGS)


def _finding(name: str, check: Callable[[], str], remedy: str) -> Finding:
    """`check` says in words what is well, or raises what is not, or cannot be seen."""
    try:
        return Finding(name, "ok", check())
    except _Unseen as why:
        return Finding(name, "skipped", str(why))
    except ClientError as error:
        told = "" if isinstance(error, Unreachable) or "groundup doctor" in error.remedy else error.remedy
        return Finding(name, "problem", error.detail, told or remedy)


def _disk(client: Client) -> Finding:
    folder = client.config.data_dir
    if not folder.is_dir():
        return Finding("disk", "skipped", f"no data folder at {folder}; run this where the server runs to have its disk looked at")
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free for {folder.resolve()}"
    if free < _ENOUGH_DISK:
        return Finding("disk", "problem", detail, "delete old runs with `groundup run rm`, or move GROUNDUP_DATA_DIR to a larger disk")
    return Finding("disk", "ok", detail)


def _gateway(client: Client) -> str:
    """Any answer that is not about somebody behind it will do."""
    try:
        client.transport.get("/api/openapi.json")
    except ApiProblem as refusal:
        if refusal.code == "unknown-host":
            raise
    return "answers"


def _token(client: Client) -> tuple[Me | None, Finding]:
    if client.config.token is None:
        remedy = f"`groundup login --url {client.config.url} --token ...`; the first token lies in the server's data folder, admin-token"
        return None, Finding("token", "problem", f"none found: not in GROUNDUP_TOKEN, not in {config_path()}", remedy)
    try:
        me = client.account.me()
    except ClientError as error:
        if not isinstance(error, ApiProblem) or error.status not in {401, 403}:
            return None, Finding("api", "problem", error.detail, _LOGS)
        remedy = f"the token came from: {client.config.token_from}; get another one and keep it with `groundup login`"
        return None, Finding("token", "problem", error.detail, remedy)
    return me, Finding("token", "ok", f"you are {me.name}, {me.role}")


def _api(client: Client) -> str:
    client.transport.get("/api/v1/runs", {"limit": 1})
    return "answers"


def _storage(client: Client) -> str:
    """Reading the beginning of a document needs an object of the S3 server."""
    newest = next((dataset.latest for dataset in client.datasets.list() if dataset.latest), None)
    if newest is None:
        _bucket(client)
        return "storage answers, and S3 behind it; there is no dataset to read yet"
    next(client.datasets.documents(newest.dataset, newest.version), None)
    return f"answers, and {newest.reference} can be read"


def _bucket(client: Client) -> None:
    """Without a signature S3 refuses, which is an answer; the gateway says 503 where there is none. A bucket of another name than
    ours leaves the address to the dashboard, which answers anything with its page."""
    unseen = "storage answers; S3 shows once there is a dataset, for its bucket is not called groundup"
    try:
        answer = client.transport.get_object("/groundup/")
    except ApiProblem as refusal:
        if refusal.temporary:
            raise
        if refusal.status == 404:
            raise _Unseen(unseen) from refusal
        return
    if b"<ListBucketResult" not in answer[:1000]:
        raise _Unseen(unseen)


def _monitor(client: Client) -> str:
    """A ticket goes through Redis."""
    client.transport.post("/api/v1/ws-tickets")
    return "answers, and hands out tickets for live events"


def _scheduler(client: Client) -> str:
    """It has no address; what shows is whether queued runs get a reason from it."""
    waiting = _unnoticed(client)
    if not waiting:
        raise _Unseen("no run waits to be looked at, and nothing else shows whether it works")
    for _ in range(_LOOKS):
        client.transport.sleep(_LOOK_SECONDS)
        waiting &= _unnoticed(client)
        if not waiting:
            return "takes up what is submitted"
    raise LocalProblem(f"has not looked at {', '.join(sorted(waiting))} for {_LOOKS * _LOOK_SECONDS:g} s")


def _unnoticed(client: Client) -> set[str]:
    return {run.id for run in client.runs.list(state="queued") if run.state == "queued" and run.reason in _UNNOTICED}


def _queue(client: Client) -> str:
    """A closed queue is somebody's wish, but it is why everything waits."""
    stop, queue = client.emergency.show(), client.queue.show(limit=1)
    if stop.active:
        remedy = "`groundup emergency-stop --reopen` once all is well, then `groundup run resume` for each run"
        raise LocalProblem(f"closed by an emergency stop by {stop.by}: {stop.reason}", remedy=remedy)
    if queue.pause:
        why = f": {queue.pause.reason}" if queue.pause.reason else ""
        raise LocalProblem(f"paused by {queue.pause.by}{why}; {queue.waiting} waiting", remedy="`groundup queue resume` reopens it")
    return f"open, {queue.waiting} waiting"


def _workers(client: Client) -> str:
    workers = list(client.workers.list())
    online = [worker for worker in workers if worker.state == "online"]
    draining = [worker.name for worker in workers if worker.state == "draining"]
    unwilling = [f"{worker.name} is {worker.state}: {worker.halted}" for worker in workers if worker.state in {"halted", "refused"}]
    if not online and unwilling:
        remedy = "`./run emergency-stop --reopen` on a host that was stopped by hand; the same version everywhere where one is refused"
        raise LocalProblem(f"none takes runs, so they wait; {'; '.join(unwilling)}", remedy=remedy)
    if not online and draining:
        remedy = "`groundup worker undrain NAME` offers one to runs again"
        raise LocalProblem(f"all that are online are draining, so runs wait: {', '.join(draining)}", remedy=remedy)
    if not online:
        lost = f"; lost: {', '.join(worker.name for worker in workers)}" if workers else ""
        raise LocalProblem(f"none is online, so runs wait{lost}")
    slots = [slot for worker in online for slot in worker.slots]
    if not slots:
        raise LocalProblem("online, but none has a slot to train on", remedy="see what the worker found of CPUs and GPUs in its log")
    free = sum(slot.attempt_id is None for slot in slots)
    others = [f"{len(draining)} draining"] if draining else []
    return ", ".join([f"{len(online)} online", f"{free} of {len(slots)} slots free", *others, *unwilling])


def _generator(client: Client, me: Me) -> str:
    if me.role == "viewer":
        raise _Unseen("a viewer may not generate")
    checkpoint = next(client.checkpoints.list(), None)
    if checkpoint is None:
        raise _Unseen("there is no checkpoint to ask it about yet")
    client.generator.generate(checkpoint.id, ["a"], Sampling(max_new_tokens=1))
    return "answers"
