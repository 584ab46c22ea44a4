"""`python -m services.trainer.main_generator`: answers generation requests, apart from all training."""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from threading import Event, Thread

from services.trainer.checkpoint import load_model
from services.trainer.generator import SLICE_SECONDS, Generator, cache_folder
from services.trainer.loaded import Models
from services.trainer.sampling import generate
from services.trainer.transfers import Transfers, store_client
from shared import bus
from shared.errors import EnvironmentFault
from shared.settings import Settings

log = logging.getLogger("services.trainer.main_generator")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        run(os.environ)
    except EnvironmentFault as error:
        sys.exit(f"{error.detail}; {error.remedy}")


def run(environ: Mapping[str, str]) -> None:
    settings, stopping = Settings.read(environ), Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    with bus.connect(settings.redis_url, blocking_seconds=SLICE_SECONDS) as client, store_client() as http:
        models = Models(cache_folder(settings.data_dir), Transfers(http, stopping), load_model)
        generator = Generator(client, models, generate, stopping)
        alive = Thread(target=generator.keep_alive, name="alive", daemon=True)
        alive.start()
        log.info("waiting for requests")
        generator.run()
        alive.join(10)
    log.info("stopped")


if __name__ == "__main__":
    main()
