"""Models and migrations agree; the table of states is whole."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text

from services.api.checkpoint_models import Checkpoint
from services.api.models import Base
from services.api.states import TRANSITIONS
from serving.database import Database
from shared.names import FINAL_STATES, RunState
from tests.api.conftest import MIGRATIONS


def test_models_and_migrations_agree(database_url: str) -> None:
    database = Database(database_url)
    database.migrate(MIGRATIONS)
    database.migrate(MIGRATIONS)  # nothing is left to do
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    database.close()


def test_every_state_has_its_transitions_and_what_is_final_stays() -> None:
    assert set(TRANSITIONS) == set(RunState)
    assert {state for state, following in TRANSITIONS.items() if not following} == FINAL_STATES


def test_every_state_can_be_reached_and_every_run_can_end() -> None:
    reached = {RunState.QUEUED}
    while more := {new for old in reached for new in TRANSITIONS[old]} - reached:
        reached |= more
    assert reached == set(RunState)
    for state in set(RunState) - FINAL_STATES:
        assert TRANSITIONS[state] & FINAL_STATES, f"{state} has no end"


def test_checkpoints_of_an_older_version_are_kept(database_url: str) -> None:
    """Their rows survive the new columns, pinned, as they were saved under that promise; storage had read them back then."""
    database = Database(database_url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = database.engine
    command.upgrade(config, "0001")
    run = {"id": "r", "name": "n", "project": "p", "state": "succeeded", "reason": "", "wish": "", "created_at": 1.0, "created_by": "me"}
    numbers = dict.fromkeys(("priority", "processes", "fence", "attempt_count", "fruitless", "step", "tokens"), 1)
    run |= {"spec": "{}", "resolved": "{}", "device": "cpu", "summary": "{}", **numbers}
    attempt = {"id": "a", "run_id": "r", "number": 1, "state": "succeeded", "worker": "w", "slots": "[]", "reason": "", "resume_step": 0}
    attempt |= {"placed_at": 1.0, "hinted": True}
    checkpoint = {"id": "c", "run_id": "r", "attempt_id": "a", "attempt": 1, "fence": 1, "step": 10, "tokens": 20, "metrics": "{}"}
    checkpoint |= {"bytes": 30, "files": "[]", "created_at": 5.0}
    with database.engine.begin() as connection:
        for table, row in (("runs", run), ("attempts", attempt), ("checkpoints", checkpoint)):
            connection.execute(text(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"), row)
    command.upgrade(config, "head")
    with database.reading() as session:
        kept = session.get_one(Checkpoint, "c")
        assert (kept.pinned_by, (kept.pinned_at or 0) > 5) == ("upgrade", True)
        assert (kept.step, kept.verified_at, kept.usable, kept.damage, kept.expires_at) == (10, 5.0, True, "", None)
    database.close()
