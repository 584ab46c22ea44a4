"""Every page, in both themes and three widths: a picture is kept, nothing hangs over the edge, and axe finds nothing."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

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
    "run-system": "/runs/{run}/system",
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
    look_at(profile, PAGES[name].format(run=finished_run), artefacts / f"{name}-{theme}", theme, refused=name == "no-such-run")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("address", ["/runs", "/login", "/login#code=used-up"])
def test_nobody_signed_in(browser: Browser, stack: Stack, artefacts: Path, address: str, theme: Theme) -> None:
    name = "signed-out-" + re.sub(r"\W+", "-", address.strip("/"))
    with browser.new_context(base_url=stack.url) as context, watched(context, refused=True) as page:
        look_in(page, address, artefacts / f"{name}-{theme}", theme)


@dataclass(frozen=True)
class AtWork:
    """One run has all slots, another waits for them."""

    running: str
    queued: str


@pytest.fixture(scope="class")
def at_work(stack: Stack, dataset: str) -> Iterator[AtWork]:
    with stack.client() as client:
        first = client.runs.submit(spec("at-work", dataset, "byte", steps=1_000_000, checkpoint={"every": 1_000_000}))
        wait_until(lambda: client.runs.get(first.id).progress.step > 10, "the first steps", 60)
        second = client.runs.submit(spec("next-in-line", dataset, "byte", steps=100))
        yield AtWork(first.id, second.id)
        for run in (second, first):
            client.runs.kill(run.id)
            client.runs.wait(run.id, timeout=60)


class TestWhileRunsAreAtWork:
    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("theme", ["dark", "light"])
    @pytest.mark.parametrize("name", ["cluster", "runs", "run-charts", "run-queued"])
    def test_a_page(self, profile: BrowserContext, at_work: AtWork, artefacts: Path, name: str, theme: Theme) -> None:
        addresses = {"run-charts": f"/runs/{at_work.running}/charts", "run-queued": f"/runs/{at_work.queued}/charts"}
        look_at(profile, addresses.get(name, f"/{name}"), artefacts / f"{name}-at-work-{theme}", theme)

    @pytest.mark.timeout(120)
    def test_menus_and_dialogs(self, profile: BrowserContext, at_work: AtWork, artefacts: Path) -> None:
        with watched(profile) as page:
            page.goto(f"/runs/{at_work.queued}/config")
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


def look_at(profile: BrowserContext, address: str, pictures: Path, theme: Theme, *, refused: bool = False) -> None:
    with watched(profile, refused=refused) as page:
        look_in(page, address, pictures, theme)


def look_in(page: Page, address: str, pictures: Path, theme: Theme) -> None:
    for width in at_widths(page, address, theme, WIDTHS):
        draw_all_charts(page)
        page.screenshot(path=f"{pictures}-{width}.png", full_page=True)
        assert overhang(page) <= 0, f"at {width} px the page is wider than the window"
        assert violations(page) == []


def settle(page: Page) -> None:
    """No skeleton any more, fonts and charts drawn."""
    page.wait_for_load_state("load")
    page.get_by_role("heading", level=1).first.wait_for()
    expect(page.locator(".skeleton")).to_have_count(0)
    expect(page.get_by_test_id("connection")).to_have_text(re.compile("live|signed out"))
    page.wait_for_function("document.fonts.ready.then(() => new Promise(requestAnimationFrame)).then(() => true)")
    page.wait_for_timeout(300)


def draw_all_charts(page: Page) -> None:
    """Charts out of sight are not drawn; a picture of the whole page should have them all."""
    charts = page.locator("canvas[role=img]")
    for number in range(charts.count()):
        charts.nth(number).scroll_into_view_if_needed()
        expect(charts.nth(number)).to_have_attribute("aria-label", re.compile(" points"))
    page.evaluate("scrollTo(0, 0)")


def overhang(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def violations(page: Page) -> list[str]:
    """What axe (WCAG 2.2 AA and its best practices) finds: rule and places."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{rule['id']}: {json.dumps([node['target'] for node in rule['nodes']])}" for rule in found["violations"]]


def at_widths(page: Page, address: str, theme: Theme, widths: Iterable[int]) -> Iterator[int]:
    """Opened anew at each, in pixels."""
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.goto("about:blank")
        page.goto(address)
        settle(page)
        yield width
