from serving.database import run_migrations
from services.storage.models import Record

run_migrations(Record.metadata)
