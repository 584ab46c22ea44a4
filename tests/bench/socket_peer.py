"""`python socket_peer.py PORT TOPICS`: a plain broadcaster on the package `websockets`, to compare with, in an environment of its own.

It makes up the same messages itself, one per topic and second, and has neither Redis nor positions, rights, limits or a way to come back.
"""

import asyncio
import sys
import time
from typing import Any

import msgpack
import websockets  # type: ignore[import-not-found]

METRICS = ("train/loss", "train/lr", "train/grad_norm", "perf/step_ms", "perf/tokens_per_second", "perf/data_wait_ms")
followers: dict[str, set[Any]] = {}
seqs: dict[str, int] = {}


async def serve(socket: Any) -> None:
    joined: list[str] = []
    try:
        async for message in socket:
            frame = msgpack.unpackb(message)
            if frame["type"] == "subscribe":
                joined.append(frame["topic"])
                followers.setdefault(frame["topic"], set()).add(socket)
                await socket.send(
                    msgpack.packb({"type": "subscribed", "topic": frame["topic"], "epoch": "e", "seq": seqs.get(frame["topic"], 0)})
                )
            elif frame["type"] == "ping":
                await socket.send(msgpack.packb({"type": "pong", "id": frame["id"]}))
    finally:
        for topic in joined:
            followers[topic].discard(socket)


async def tell(topics: int) -> None:
    started, turn = time.monotonic(), 0
    while True:
        await asyncio.sleep(max(0.0, started + turn / topics - time.monotonic()))
        topic = f"run_{turn % topics:03d}"
        seq = seqs[topic] = seqs.get(topic, 0) + 1
        event = {"type": "StepCompleted", "step": seq, "tokens": turn, "metrics": dict.fromkeys(METRICS, float(turn))}
        item = {"run_id": topic, "attempt": 1, "fence": 1, "producer": "bench", "producer_seq": seq, "at": time.time(), "event": event}
        frame = {"type": "events", "topic": topic, "epoch": "e", "items": [{**item, "epoch": "e", "seq": seq}]}
        websockets.broadcast(followers.get(topic, ()), msgpack.packb(frame))
        turn += 1


async def main(port: int, topics: int) -> None:
    async with websockets.serve(serve, "127.0.0.1", port, compression=None, backlog=4096):
        await tell(topics)


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
