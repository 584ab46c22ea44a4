"""Run by the peers' Python: `peer_tensorboard.py <folder> <points>` writes TensorBoard's event file. Nobody receives or indexes it."""

import json
import sys
import time

from tensorboardX import SummaryWriter

NAMES = 10


def main() -> None:
    folder, points = sys.argv[1], int(sys.argv[2])
    begun = time.perf_counter()
    with SummaryWriter(folder) as writer:
        for number in range(points):
            writer.add_scalar(f"bench/metric_{number % NAMES}", 1 / (1 + number), number // NAMES)
    print(json.dumps({"points": points, "seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
