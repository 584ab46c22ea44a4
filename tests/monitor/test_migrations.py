from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.monitor.models import Base
from serving.database import Database
from tests.monitor.producing import MIGRATIONS


def test_models_and_migrations_agree(database_url: str) -> None:
    database = Database(database_url)
    database.migrate(MIGRATIONS)
    database.migrate(MIGRATIONS)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    database.close()
