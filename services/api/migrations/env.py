from services.api import queue_models
from serving.database import run_migrations

run_migrations(queue_models.Base.metadata)
