"""Run by the peers' Python: `peer_mlflow.py <address> <points>` logs points as a trainer would, then reads a curve as its page does."""

import json
import statistics
import sys
import time
import urllib.request

from mlflow import MlflowClient
from mlflow.entities import Metric

BATCH = 1000
"""The most that MLflow takes in one call."""
NAMES = 10


def log(client: MlflowClient, run_id: str, points: int) -> float:
    """Seconds. As many names as in our part, a value of each a step."""
    now, begun = int(time.time() * 1000), time.perf_counter()
    for first in range(0, points, BATCH):
        numbers = range(first, first + BATCH)
        client.log_batch(run_id, metrics=[Metric(f"bench/metric_{n % NAMES}", 1 / (1 + n), now + n, n // NAMES) for n in numbers])
    return time.perf_counter() - begun


def read(address: str, run_id: str) -> float:
    """Seconds for one curve, sampled: what its page asks for; the median of three."""
    query = f"run_ids={run_id}&metric_key=bench%2Fmetric_0&max_results=500"
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        with urllib.request.urlopen(f"{address}/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?{query}") as answer:
            assert json.load(answer)["metrics"]
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def main() -> None:
    address, points = sys.argv[1], int(sys.argv[2])
    client = MlflowClient(tracking_uri=address)
    run_id = client.create_run(client.create_experiment("bench")).info.run_id
    log(client, client.create_run("0").info.run_id, BATCH)  # what only a first call costs
    seconds = log(client, run_id, points)
    print(json.dumps({"points": points, "seconds": seconds, "read_seconds": read(address, run_id), "curve": points // NAMES}))


if __name__ == "__main__":
    main()
