"""When the trainer took a step, and when somebody saw it."""

import threading

import msgpack
import websocket
from groundup import Client

from tests.e2e.stack import Stack


class Ear:
    """Hears a run's steps and keeps the trainer's own times of them."""

    def __init__(self, stack: Stack, client: Client, run_id: str) -> None:
        self.told: dict[int, float] = {}
        ticket = client.transport.post("/api/v1/ws-tickets")["ticket"]
        self.socket = websocket.create_connection(f"{stack.url.replace('http', 'ws')}/ws/v1?ticket={ticket}", origin=stack.url)
        self.socket.send_binary(msgpack.packb({"type": "subscribe", "topic": run_id, "epoch": None, "since": 0}))
        self.thread = threading.Thread(target=self._listen)

    def _listen(self) -> None:
        while frame := self.socket.recv():
            for envelope in msgpack.unpackb(frame).get("items", []):
                if envelope["event"]["type"] == "StepCompleted":
                    self.told[envelope["event"]["step"]] = envelope["at"]

    def __enter__(self) -> "Ear":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self.thread.join(10)


def delays_of(told: dict[int, float], shown: list[tuple[int, float]]) -> list[float]:
    """Seconds from each step to the first frame that shows it. `shown`: newest step of a frame, its time in milliseconds."""
    delays, frames = [], sorted(shown, key=lambda frame: frame[1])
    for step, at in sorted(told.items()):
        if step <= frames[0][0]:
            continue
        frame = next((time_ms for last, time_ms in frames if last >= step), None)
        if frame is not None:
            delays.append(frame / 1000 - at)
    return delays
