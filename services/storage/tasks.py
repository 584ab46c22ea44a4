"""The worker's tasks. Each is short or shows signs of life, and may be run twice."""

from celery import Celery

from services.storage.content import PartReader
from services.storage.expiry import drop_idle_uploads
from services.storage.preparing import prepare_chunk
from services.storage.progress import PREPARE_CHUNK, SWEEP, TRAIN_TOKENIZER, sweep
from services.storage.settings import StorageSettings
from services.storage.stores import Stores
from services.storage.training import train_tokenizer


def register_tasks(celery: Celery, stores: Stores, settings: StorageSettings) -> None:
    reader = PartReader(stores)

    @celery.task(name=PREPARE_CHUNK)
    def prepare(prepared_id: str, start: int) -> None:
        prepare_chunk(stores, reader, settings, prepared_id, start)

    @celery.task(name=TRAIN_TOKENIZER)
    def train(tokenizer_id: str) -> None:
        train_tokenizer(stores, reader, tokenizer_id, settings.stall_seconds)

    @celery.task(name=SWEEP)
    def take_up_again() -> None:
        sweep(stores, settings.stall_seconds)
        drop_idle_uploads(stores, settings.upload_seconds)
