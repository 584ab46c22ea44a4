from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.monitor.models import Base
from serving.database import Database


def test_models_and_migrations_agree(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
