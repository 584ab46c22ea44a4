"""Names that two services must spell alike: run states, metric names, queues and Redis keys."""

import re
from enum import StrEnum
from typing import Final

PROTOCOL: Final = 3
"""Version of the conversation between worker and api. A worker with another one is refused."""


class RunState(StrEnum):
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    KILLED = "killed"


FINAL_STATES: Final = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED, RunState.KILLED})


class Role(StrEnum):
    """Rising rights: a viewer reads, an editor also writes, an admin also hands out tokens."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class Metric(StrEnum):
    """Names of what the trainer logs. `group/name`; the unit is the last word where it has one."""

    TRAIN_LOSS = "train/loss"
    LEARNING_RATE = "train/lr"
    GRAD_NORM = "train/grad_norm"
    VAL_LOSS = "val/loss"
    VAL_BITS_PER_BYTE = "val/bpb"
    TOKENS_PER_SECOND = "perf/tokens_per_second"
    STEP_MS = "perf/step_ms"
    DATA_WAIT_MS = "perf/data_wait_ms"
    STRAGGLER_RATIO = "perf/straggler_ratio"
    SLOWEST_RANK = "perf/slowest_rank"
    CHECKPOINT_STALL_MS = "perf/checkpoint_stall_ms"
    LOSS_SCALE = "train/loss_scale"
    SKIPPED_STEPS = "train/skipped_steps"
    DISK_FREE_BYTES = "perf/disk_free_bytes"


CLUSTER_TOPIC: Final = "cluster"
"""The topic of events about workers and of every run's state changes; a run's own topic is its id, a worker's is `worker_topic`."""

WORKER_TOPIC: Final = "worker."
"""Begins the topic of a worker's own readings (`worker_topic`)."""

STORAGE_QUEUE: Final = "storage"
"""Celery queue of the data tasks."""

START_ATTEMPT_TASK: Final = "trainer.start_attempt"
"""Celery task by which the scheduler tells a worker to look at its assignments now."""

EMERGENCY_CHANNEL: Final = "emergency"
"""Redis channel on which an emergency stop is published (EmergencyOrder as JSON); agents and nobody else subscribe."""

GENERATE_REQUESTS: Final = "generate:requests"
"""Redis list of packed `GenerateRequest`s."""

GENERATOR_ALIVE: Final = "generate:alive"
"""Redis key that exists (with a time-out) while a generator serves requests."""


def worker_queue(worker: str) -> str:
    """Celery queue of one worker's hints."""
    return f"worker.{worker}"


def worker_topic(worker: str) -> str:
    """Topic of what one worker's host reads of itself."""
    return f"{WORKER_TOPIC}{worker}"


def is_run(topic: str) -> bool:
    """Whether a topic is a run's own, which ends with it."""
    return topic != CLUSTER_TOPIC and not topic.startswith(WORKER_TOPIC)


def generate_replies(request_id: str) -> str:
    """Redis stream of the tokens of one generation."""
    return f"generate:{request_id}"


TENSOR_FILE: Final = re.compile(r"(?P<part>[a-z]+)(-(?P<index>\d{5})-of-(?P<count>\d{5}))?\.safetensors")
"""A part of a checkpoint, whole, or one of its shards."""
