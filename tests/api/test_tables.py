"""Models and migrations agree; the table of states is whole."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.api.models import Base
from services.api.states import TRANSITIONS
from serving.database import Database
from shared.names import FINAL_STATES, RunState
from tests.api.conftest import migrate


def test_models_and_migrations_agree(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)  # nothing is left to do
    database = Database(database_url)
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
