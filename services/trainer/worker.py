"""`celery -A services.trainer.worker worker -Q worker.<name> --pool=threads --concurrency=2`: hints for the agent, and nothing else.

Training is never a Celery task: a lost or doubled message must not lose or double a run. A hint that is lost costs one heartbeat interval.
"""

import logging
import os

import httpx
from celery import Celery

from services.trainer.settings import agent_port
from shared.names import START_ATTEMPT_TASK
from shared.settings import Settings

log = logging.getLogger(__name__)
settings = Settings.read(os.environ)
hints_url = f"http://127.0.0.1:{agent_port(os.environ)}/hints"

app = Celery("trainer", broker=settings.redis_url)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_time_limit=120,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_soft_shutdown_timeout=30,
    worker_enable_remote_control=False,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": 600,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 15,
    },
)


@app.task(name=START_ATTEMPT_TASK)
def start_attempt(*_ignored: object, **_also_ignored: object) -> None:
    """Tell the agent to look at its assignments now. Safe to repeat. Arguments, if there are any, are for the log's reader."""
    try:
        response = httpx.post(hints_url, headers={"Authorization": f"Bearer {settings.join_secret}"}, timeout=5, trust_env=False)
        response.raise_for_status()
    except httpx.HTTPError as error:
        log.warning("the agent did not take the hint (%s); its next heartbeat makes up for it", error)
