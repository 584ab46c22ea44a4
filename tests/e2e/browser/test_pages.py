"""Every page, in both themes and three widths: a picture is kept, nothing hangs over the edge, and axe finds nothing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.browser.conftest import watched
from tests.e2e.runs import spec
from tests.e2e.stack import ROOT, Stack
from tests.servers import wait_until

AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
Theme = Literal["dark", "light"]
WIDTHS = (390, 1280, 2560)
HEIGHT = 900
PAGES = {
    "runs": "/runs",
    "new-run": "/runs/new?from={run}",
    "new-run-yaml": "/runs/new?from={run}&view=yaml",
    "new-run-curl": "/runs/new?from={run}&view=curl",
    "run-charts": "/runs/{run}/charts",
    "run-logs": "/runs/{run}/logs",
    "run-samples": "/runs/{run}/samples",
    "run-checkpoints": "/runs/{run}/checkpoints",
    "run-config": "/runs/{run}/config",
    "run-events": "/runs/{run}/events",
    "datasets": "/datasets",
    "dataset": "/datasets/stdlib",
    "checkpoints": "/checkpoints",
    "playground": "/playground?run={run}",
    "no-such-run": "/runs/run_none/charts",
    "no-such-page": "/nowhere",
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page(profile: BrowserContext, finished_run: str, artefacts: Path, name: str, theme: Theme) -> None:
    look_at(profile, PAGES[name].format(run=finished_run), artefacts / f"{name}-{theme}", theme)


@pytest.fixture(scope="class")
def queued_run(stack: Stack, dataset: str) -> Iterator[str]:
    """It waits, as another run has all slots."""
    with stack.client() as client:
        first = client.runs.submit(spec("at-work", dataset, "byte", steps=1_000_000, checkpoint={"every": 1_000_000}))
        wait_until(lambda: client.runs.get(first.id).progress.step > 10, "the first steps", 60)
        second = client.runs.submit(spec("next-in-line", dataset, "byte", steps=100))
        yield second.id
        for run in (second, first):
            client.runs.kill(run.id)
            client.runs.wait(run.id, timeout=60)


class TestWhileRunsAreAtWork:
    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("theme", ["dark", "light"])
    @pytest.mark.parametrize("name", ["cluster", "runs"])
    def test_a_page(self, profile: BrowserContext, queued_run: str, artefacts: Path, name: str, theme: Theme) -> None:
        look_at(profile, f"/{name}", artefacts / f"{name}-at-work-{theme}", theme)

    @pytest.mark.timeout(120)
    def test_menus_and_dialogs(self, profile: BrowserContext, queued_run: str, artefacts: Path) -> None:
        with watched(profile) as page:
            page.goto(f"/runs/{queued_run}/config")
            page.get_by_role("button", name=re.compile("Stop")).click()
            page.get_by_role("menuitem").first.wait_for()
            page.screenshot(path=artefacts / "menu.png")
            assert violations(page) == []
            page.get_by_role("menuitem", name=re.compile("Kill now")).click()
            expect(page.get_by_role("alertdialog")).to_be_visible()
            page.screenshot(path=artefacts / "dialog.png")
            assert violations(page) == []
            page.keyboard.press("Escape")
            expect(page.get_by_role("alertdialog")).to_be_hidden()
            expect(page.get_by_role("button", name=re.compile("Stop")), "the focus is where it was before the dialog").to_be_focused()
            page.get_by_role("tab", name="Events").click()
            expect(page).to_have_url(re.compile("/events$"))
            expect(page.get_by_role("tab", name="Events"), "a tab of the same page keeps the focus").to_be_focused()
            page.get_by_role("link", name="Datasets").first.click()
            page.get_by_role("heading", level=1, name="Datasets").wait_for()
            expect(page.locator("#main"), "the focus is on the page that was opened").to_be_focused()


def look_at(profile: BrowserContext, address: str, pictures: Path, theme: Theme) -> None:
    with watched(profile) as page:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.goto(address)
            settle(page)
            page.screenshot(path=f"{pictures}-{width}.png", full_page=True)
            assert overhang(page) <= 0, f"at {width} px the page is wider than the window"
            assert violations(page) == []


def settle(page: Page) -> None:
    """No skeleton any more, fonts and charts drawn."""
    page.wait_for_load_state("load")
    page.get_by_role("heading", level=1).first.wait_for()
    expect(page.locator(".skeleton")).to_have_count(0)
    expect(page.get_by_test_id("connection")).to_have_text(re.compile("live"))
    page.wait_for_function("document.fonts.ready.then(() => new Promise(requestAnimationFrame)).then(() => true)")
    page.wait_for_timeout(300)


def overhang(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def violations(page: Page) -> list[str]:
    """What axe (WCAG 2.2 AA and its best practices) finds: rule and places."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{rule['id']}: {json.dumps([node['target'] for node in rule['nodes']])}" for rule in found["violations"]]
