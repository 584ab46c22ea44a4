from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.storage.models import Record
from serving.database import Database
from tests.storage.conftest import MIGRATIONS


def test_models_and_migrations_agree(database_url: str) -> None:
    database = Database(database_url)
    database.migrate(MIGRATIONS)
    database.migrate(MIGRATIONS)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Record.metadata) == []
    database.close()
