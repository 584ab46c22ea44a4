"""Hints: short Celery messages that tell a worker to look at its assignments now. A lost one costs a heartbeat interval, no more."""

from celery import Celery

from shared.names import START_ATTEMPT_TASK, worker_queue

_SECONDS = 1.0


class Hints:
    def __init__(self, redis_url: str) -> None:
        self.celery = Celery("groundup-api", broker=redis_url, set_as_current=False)
        self.celery.conf.update(
            task_ignore_result=True,
            task_publish_retry=False,
            broker_connection_timeout=_SECONDS,
            broker_transport_options={
                "visibility_timeout": 600,
                "socket_timeout": _SECONDS,
                "socket_connect_timeout": _SECONDS,
                "socket_keepalive": True,
                "retry_on_timeout": False,
                "max_retries": 0,
            },
        )

    def send(self, worker: str) -> None:
        """Raises kombu's OperationalError within about a second where Redis is down. A hint that lies for a minute is dropped."""
        self.celery.send_task(START_ATTEMPT_TASK, queue=worker_queue(worker), expires=60, retry=False, ignore_result=True)

    def close(self) -> None:
        self.celery.close()
