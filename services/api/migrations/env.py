from services.api import checkpoint_models, queue_models
from serving.database import run_migrations

assert checkpoint_models.Base is queue_models.Base  # so that all tables are known
run_migrations(queue_models.Base.metadata)
