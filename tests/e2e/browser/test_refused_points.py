"""The Charts tab says what the history did not take of a run's points."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect
from sqlalchemy import update

from services.monitor.models import Position
from serving.database import Database
from tests.e2e.browser.conftest import watched
from tests.e2e.browser.test_pages import Theme, look_at
from tests.e2e.stack import Stack

REASON = "`train/a b` is no name of a metric: a space"


@pytest.fixture
def refused(stack: Stack, finished_run: str) -> Iterator[str]:
    """The run, with three points that were not taken."""
    database = Database(f"sqlite:///{stack.data_dir / 'monitor.db'}")

    def tell(count: int, reason: str) -> None:
        with database.writing() as session:
            session.execute(update(Position).where(Position.topic == finished_run).values(refused=count, refused_reason=reason))

    tell(3, REASON)
    yield finished_run
    tell(0, "")
    database.close()


@pytest.mark.timeout(300)
def test_what_is_missing_in_the_curves_is_told(profile: BrowserContext, refused: str) -> None:
    with watched(profile) as page:
        page.goto(f"/runs/{refused}/charts")
        told = page.get_by_role("status").filter(has_text="Missing in the curves")
        expect(told).to_have_text(f"Missing in the curves: 3 points or events. The last one: {REASON}")


@pytest.mark.timeout(300)
def test_nothing_is_told_where_nothing_is_missing(profile: BrowserContext, finished_run: str) -> None:
    with watched(profile) as page:
        assert page.request.get(f"/api/v1/runs/{finished_run}/metrics?names=train/loss").json()["refused"] is None
        with page.expect_response(re.compile(r"/metrics\?names=(,|%2C)&")):
            page.goto(f"/runs/{finished_run}/charts")
        expect(page.get_by_role("img", name="train/loss:")).to_be_visible()
        expect(page.get_by_text("Missing in the curves")).to_have_count(0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_looks_well(profile: BrowserContext, refused: str, artefacts: Path, theme: Theme) -> None:
    look_at(profile, f"/runs/{refused}/charts", artefacts / f"refused-points-{theme}", theme)
