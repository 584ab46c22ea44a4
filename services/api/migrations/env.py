from services.api.models import Base
from serving.database import run_migrations

run_migrations(Base.metadata)
