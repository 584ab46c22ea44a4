"""The Logs tab: search over all lines, hits in their surroundings, the first error, any line, one rank.

The first test that is run waits for the finished run, hence their time."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import func, select

from services.monitor.error_lines import count_errors
from services.monitor.models import LogChunk
from serving.database import Database
from tests.e2e.browser.conftest import watched
from tests.e2e.browser.test_pages import Theme, look_at
from tests.e2e.stack import Stack

LINES, CHUNK = 100_000, 100
NEEDLES = (10_007, 60_007, 99_907)
ERROR = 60_042


@pytest.fixture(scope="module")
def first(stack: Stack, finished_run: str) -> int:
    """The run's log goes on with a hundred thousand lines, of two ranks in turn; returns the number of the first of them."""
    database = Database(f"sqlite:///{stack.data_dir / 'monitor.db'}")
    with database.writing() as session:
        begin = session.scalar(select(func.max(LogChunk.first_line + LogChunk.count)).where(LogChunk.run_id == finished_run)) or 0
        for start in range(0, LINES, CHUNK):
            text = "\n".join(_text(line) for line in range(start, start + CHUNK))
            where = {"run_id": finished_run, "first_line": begin + start, "count": CHUNK, "rank": start // CHUNK % 2, "attempt": 1}
            session.add(LogChunk(**where, at=1.7e9 + start, text=text.encode(), errors=count_errors(text)))
    database.close()
    return int(begin)


def _text(line: int) -> str:
    if line == ERROR:
        return "ValueError: made for this test"
    return f"line {line} " + ("has the needle" if line in NEEDLES else "is hay")


def number_in_sight(page: Page, line: int) -> None:
    expect(page.get_by_role("button", name=f"Show the log at line {line}", exact=True)).to_be_visible()


@pytest.mark.timeout(300)
def test_a_search_finds_every_line_and_shows_it_in_its_surroundings(
    profile: BrowserContext, finished_run: str, first: int, artefacts: Path
) -> None:
    with watched(profile) as page:
        page.goto(f"/runs/{finished_run}/logs")
        number_in_sight(page, first + LINES - 1)
        page.keyboard.press("/")
        page.keyboard.type("NEEDLE")
        expect(page.get_by_role("status").filter(has_text="3 hits")).to_be_visible()
        page.screenshot(path=artefacts / "logs-hits.png")
        page.get_by_role("button", name=f"Show the log at line {first + NEEDLES[0]}", exact=True).click()
        expect(page).to_have_url(re.compile(rf"q=NEEDLE&line={first + NEEDLES[0]}"))
        number_in_sight(page, first + NEEDLES[0] - 3)
        page.get_by_role("log").focus()
        page.keyboard.press("n")
        expect(page).to_have_url(re.compile(rf"line={first + NEEDLES[1]}"))
        page.screenshot(path=artefacts / "logs-hit-in-context.png")
        page.keyboard.press("Shift+N")
        expect(page).to_have_url(re.compile(rf"line={first + NEEDLES[0]}"))
        page.reload()
        number_in_sight(page, first + NEEDLES[0])


@pytest.mark.timeout(300)
def test_the_first_error_and_any_line_of_a_rank(profile: BrowserContext, finished_run: str, first: int, artefacts: Path) -> None:
    with watched(profile) as page:
        page.set_viewport_size({"width": 390, "height": 900})
        page.goto(f"/runs/{finished_run}/logs")
        page.get_by_role("button", name="First error").click()
        expect(page).to_have_url(re.compile(rf"line={first + ERROR}"))
        expect(page.get_by_text("ValueError: made for this test")).to_be_visible()
        page.screenshot(path=artefacts / "logs-first-error-390.png")
        page.get_by_label("Go to line").fill(str(first + 500))
        page.keyboard.press("Enter")
        number_in_sight(page, first + 500)
        page.get_by_label("Process").select_option("1")
        expect(page).to_have_url(re.compile(r"rank=1"))
        number_in_sight(page, first + 500)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", ["hits", "errors", "line"])
def test_it_looks_well(profile: BrowserContext, finished_run: str, first: int, artefacts: Path, name: str, theme: Theme) -> None:
    queries = {"hits": "q=needle", "errors": "only=errors", "line": f"q=needle&line={first + NEEDLES[1]}"}
    look_at(profile, f"/runs/{finished_run}/logs?{queries[name]}", artefacts / f"logs-{name}-{theme}", theme)
