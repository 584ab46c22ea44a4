"""What end-to-end tests ask of alerts, by HTTP, and events put into a run's stream as if its training had said them."""

import time
from typing import Any

import httpx
import redis

from shared import bus
from shared.events import Record
from shared.training_events import StepCompleted
from tests.e2e.stack import Stack


class Alerts:
    """As the admin."""

    def __init__(self, stack: Stack) -> None:
        token = (stack.data_dir / "admin-token").read_text().strip()
        self.http = httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=20)
        password = (stack.data_dir / "secrets" / "redis").read_text()
        self.redis_url = f"redis://:{password}@127.0.0.1:{int(stack.environment['GROUNDUP_PORT']) + 4}/0"

    def close(self) -> None:
        self.http.close()

    def get(self, address: str, **query: Any) -> list[dict[str, Any]]:
        answer = self.http.get(address, params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    def of(self, run_id: str, detector: str) -> list[dict[str, Any]]:
        return [alert for alert in self.get("/api/v1/alerts", run_id=run_id) if alert["detector"] == detector]

    def add_target(self, url: str, **body: Any) -> dict[str, Any]:
        answer = self.http.post("/api/v1/notifications", json={"name": "e2e", "url": url, **body})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def remove_targets(self) -> None:
        for target in self.get("/api/v1/notifications"):
            assert self.http.delete(f"/api/v1/notifications/{target['id']}").status_code == 204

    def put_step(self, run_id: str, step: int, **metrics: float) -> None:
        """A step that the training has not taken; its own go on."""
        event = StepCompleted(step=step, tokens=step, metrics={name.replace("_", "/", 1): value for name, value in metrics.items()})
        record = Record(run_id=run_id, attempt=1, producer=f"put-{step}", producer_seq=1, at=time.time(), event=event)
        client = redis.Redis.from_url(self.redis_url)
        try:
            assert isinstance(bus.publish(client, [record]), bus.Taken)
        finally:
            client.close()
