"""What steers a run, in both themes, on a phone and on a desk: a picture is kept, nothing hangs over the edge, axe finds nothing."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from groundup import Client
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.browser.conftest import watched
from tests.e2e.browser.test_pages import Theme, at_widths, overhang, violations
from tests.e2e.runs import spec
from tests.e2e.stack import Stack
from tests.servers import wait_until

WIDTHS = (390, 1280)
THEMES = ("dark", "light")


@pytest.fixture(scope="class")
def held(stack: Stack, dataset: str, tokenizer: str) -> Iterator[str]:
    """It has trained, was changed, and stands still with its slots, so that nothing moves in the pictures."""
    every = {"evaluate": {"every": 5000, "batches": 2}, "checkpoint": {"every": 40, "keep_last": 50}, "optimizer": {"lr": 1e-3}}
    with training(stack, spec("held-by-hand", dataset, tokenizer, steps=1000, **every), step=90) as (client, run_id):
        client.runs.commands.ask(run_id, "set_hyperparameters", changes={"optimizer": {"lr": 5e-4}, "schedule": {"name": "constant"}})
        client.runs.commands.ask(run_id, "pause", hold=True)
        wait_until(lambda: client.runs.get(run_id).state == "paused", "it stands still", 60)
        yield run_id


@contextlib.contextmanager
def training(stack: Stack, plan: dict[str, Any], *, step: int) -> Iterator[tuple[Client, str]]:
    """A run that has passed `step`; it is killed in the end."""
    with stack.client() as client:
        run_id = client.runs.submit(plan).id
        wait_until(lambda: client.runs.get(run_id).progress.step > step, f"step {step}", 120)
        yield client, run_id
        client.runs.kill(run_id)
        client.runs.wait(run_id, timeout=60)


class TestOfARunThatIsHeld:
    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("theme", THEMES)
    def test_its_head_and_menus(self, profile: BrowserContext, held: str, artefacts: Path, theme: Theme) -> None:
        with watched(profile) as page:
            for name in at_widths(page, f"/runs/{held}/events", theme, WIDTHS):
                look(page, artefacts, f"held-{theme}-{name}")
                for menu in ("Now", "New from this", "Stop"):
                    page.get_by_role("button", name=menu).click()
                    look(page, artefacts, f"menu-{menu.split()[0].lower()}-{theme}-{name}", page.get_by_role("menu"))
                    page.keyboard.press("Escape")

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("theme", THEMES)
    def test_tune(self, profile: BrowserContext, held: str, artefacts: Path, theme: Theme) -> None:
        with watched(profile, refused=True) as page:
            for name in at_widths(page, f"/runs/{held}/events", theme, WIDTHS):
                page.get_by_role("button", name="Tune").click()
                dialog = page.get_by_role("dialog")
                dialog.get_by_label("Learning rate", exact=True).fill("0.002")
                dialog.get_by_label("Schedule", exact=True).select_option("cosine")
                look(page, artefacts, f"tune-{theme}-{name}", dialog)
                for wrong, words in (("NaN", "number"), ("-1", "greater than 0"), ("", "number")):
                    dialog.get_by_label("Learning rate", exact=True).fill(wrong)
                    dialog.get_by_role("button", name="Apply").click()
                    expect(dialog.get_by_label("Learning rate", exact=True)).to_have_accessible_description(re.compile(words))
                dialog.get_by_label("Learning rate", exact=True).fill("-1")
                dialog.get_by_label("Total steps").fill("3")
                dialog.get_by_role("button", name="Apply").click()
                expect(dialog.locator(".field-error").first).to_be_visible()
                look(page, artefacts, f"tune-refused-{theme}-{name}", dialog)

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("theme", THEMES)
    def test_replay_and_endings(self, profile: BrowserContext, held: str, artefacts: Path, theme: Theme) -> None:
        with watched(profile, refused=True) as page:
            for name in at_widths(page, f"/runs/{held}/events", theme, WIDTHS):
                choose(page, "New from this", "^Replay")
                dialog = page.get_by_role("dialog")
                expect(dialog.get_by_text("It repeats 1 change")).to_be_visible()
                dialog.get_by_label("Name").fill("no name!")
                dialog.get_by_role("button", name="Replay").click()
                expect(dialog.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
                look(page, artefacts, f"replay-{theme}-{name}", dialog)
                page.keyboard.press("Escape")
                expect(page.get_by_role("button", name="New from this"), "the focus is where it was").to_be_focused()
                for ending in ("Stop", "Kill"):
                    choose(page, "Stop", f"^{ending}")
                    look(page, artefacts, f"{ending.lower()}-{theme}-{name}", page.get_by_role("alertdialog"))
                    page.keyboard.press("Escape")

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("theme", THEMES)
    def test_of_its_checkpoints(self, profile: BrowserContext, held: str, artefacts: Path, theme: Theme) -> None:
        with watched(profile, refused=True) as page:
            for name in at_widths(page, f"/runs/{held}/checkpoints", theme, WIDTHS):
                choose(page, "More about step 40", "^Roll back to this")
                dialog = page.get_by_role("dialog")
                expect(dialog.get_by_text(re.compile("steps are taken anew"))).to_be_visible()
                look(page, artefacts, f"rollback-{theme}-{name}", dialog)
                page.keyboard.press("Escape")
                choose(page, "More about step 40", "^Fork from this")
                expect(dialog.get_by_label("Learning rate"), "as it was at step 40").to_have_attribute("placeholder", "0.001")
                dialog.get_by_label("Steps").fill("20")
                dialog.get_by_label("Batch size").fill("many")
                dialog.get_by_role("button", name="Fork", exact=True).click()
                expect(dialog.locator(".field-error").first).to_be_visible()
                look(page, artefacts, f"fork-{theme}-{name}", dialog)

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("theme", THEMES)
    def test_marks_open_by_key_and_by_click(self, profile: BrowserContext, held: str, artefacts: Path, theme: Theme) -> None:
        with watched(profile) as page:
            for name in at_widths(page, f"/runs/{held}/charts", theme, WIDTHS):
                expect(page.get_by_role("img", name="train/loss: ")).to_be_visible()
                chart = page.get_by_role("group", name="Zoom and marks of train/loss")
                chart.focus()
                page.keyboard.press(",")  # the last: it was changed, stands still and was saved
                expect(page.get_by_role("status").filter(has_text="optimizer.lr 0.0005")).to_have_count(1)
                page.keyboard.press("Enter")
                dialog = page.get_by_role("dialog")
                expect(dialog.get_by_role("heading", name="Hyperparameters changed")).to_be_visible()
                expect(dialog.get_by_text("0.001 → 0.0005")).to_be_visible()
                expect(dialog.get_by_text("admin").first).to_be_visible()
                look(page, artefacts, f"mark-{theme}-{name}", dialog)
                page.keyboard.press("Escape")
                expect(chart, "the focus is where it was").to_be_focused()
                click_mark(page, chart)
                expect(dialog.get_by_role("heading", name="Checkpoint", exact=True)).to_be_visible()
                page.keyboard.press("Escape")

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("theme", THEMES)
    def test_emergency_stop(self, profile: BrowserContext, held: str, artefacts: Path, theme: Theme) -> None:
        with watched(profile) as page:
            for name in at_widths(page, "/cluster", theme, WIDTHS):
                page.get_by_role("button", name="Emergency stop").click()
                dialog = page.get_by_role("dialog")
                dialog.get_by_label("Type").fill("stop")
                expect(dialog.get_by_role("button", name="Stop everything")).to_be_disabled()
                look(page, artefacts, f"emergency-{theme}-{name}", dialog)


@pytest.fixture(scope="class")
def at_work(stack: Stack, dataset: str) -> Iterator[str]:
    plan = spec("steered-by-menu", dataset, "byte", steps=1_000_000, checkpoint={"every": 1_000_000})
    with training(stack, plan, step=10) as (_client, run_id):
        yield run_id


class TestOfARunAtWork:
    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("theme", THEMES)
    def test_its_menus(self, profile: BrowserContext, at_work: str, artefacts: Path, theme: Theme) -> None:
        with watched(profile) as page:
            for name in at_widths(page, f"/runs/{at_work}/events", theme, WIDTHS):
                for menu in ("Pause", "Now"):
                    page.get_by_role("button", name=menu).click()
                    look(page, artefacts, f"at-work-{menu.lower()}-{theme}-{name}", page.get_by_role("menu"))
                    page.keyboard.press("Escape")


def choose(page: Page, menu: str, item: str) -> None:
    page.get_by_role("button", name=menu, exact=menu.startswith("More")).click()
    page.get_by_role("menuitem", name=re.compile(item)).click()


def look(page: Page, artefacts: Path, name: str, part: Locator | None = None) -> None:
    """At the page with a part of it, a menu or a dialog, in front."""
    if part:
        expect(part).to_be_visible()
    page.screenshot(path=artefacts / f"steer-{name}.png")
    assert overhang(page) <= 0, f"{name}: the page is wider than the window"
    if part:
        box, window = part.bounding_box(), page.viewport_size
        assert box
        assert window
        assert 0 <= box["x"] <= window["width"] - box["width"], f"{name}: it hangs over the edge"
        assert part.evaluate("each => each.scrollWidth <= each.clientWidth"), f"{name}: something in it is wider than it"
    assert violations(page) == []


def click_mark(page: Page, chart: Locator) -> None:
    """Of the checkpoint of step 40, where the crosshair says it is."""
    box = chart.bounding_box()
    assert box
    for x in range(30, int(box["width"]), 3):
        page.mouse.move(box["x"] + x, box["y"] + 60)
        if chart.evaluate("each => each.style.cursor") == "pointer":
            page.mouse.click(box["x"] + x, box["y"] + 60)
            return
    raise AssertionError("no mark under the pointer anywhere")
