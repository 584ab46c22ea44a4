"""Celery as storage uses it: hints that work is waiting. The rows say what is to be done, and the sweep repeats lost hints."""

import logging

from celery import Celery
from kombu.exceptions import OperationalError

from services.storage.progress import SWEEP
from services.storage.stores import Enqueue
from shared.names import STORAGE_QUEUE

log = logging.getLogger(__name__)


def create_queue(redis_url: str, *, sweep_seconds: float = 15.0) -> Celery:
    celery = Celery("storage", broker=redis_url)
    celery.conf.update(
        task_default_queue=STORAGE_QUEUE,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_soft_shutdown_timeout=30.0,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": 600,
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 15,
        },
        beat_scheduler="celery.beat:Scheduler",
        beat_max_loop_interval=sweep_seconds,
        beat_schedule={"sweep": {"task": SWEEP, "schedule": sweep_seconds, "options": {"expires": sweep_seconds}}},
    )
    return celery


def sender(celery: Celery) -> Enqueue:
    """Sends without waiting for a broker that is away: the sweep makes up for what is not sent."""

    def enqueue(task: str, *arguments: object) -> None:
        try:
            celery.send_task(task, args=arguments, queue=STORAGE_QUEUE, retry=False)
        except OperationalError as error:
            log.warning("%s not sent, the sweep will: %s", task, error)

    return enqueue
