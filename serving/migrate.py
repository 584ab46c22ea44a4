"""`python -m serving.migrate api monitor storage`: bring databases up to date, before anything uses them."""

import os
import sys
from pathlib import Path

from serving.database import Database, database_url


def main() -> None:
    data_dir = Path(os.environ.get("GROUNDUP_DATA_DIR", "data")).resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    for service in sys.argv[1:]:
        database = Database(database_url(os.environ, service, data_dir))
        database.migrate(Path("services") / service / "migrations")
        database.close()


if __name__ == "__main__":
    main()
