"""A running training, steered by hand: pause, change, resume, roll back, fork; and the emergency stop with its typed words."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from groundup import Client
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.browser.conftest import watched
from tests.e2e.browser.test_checkpoints import flip_a_byte
from tests.e2e.browser.test_pages import violations
from tests.e2e.runs import spec
from tests.e2e.stack import Stack
from tests.servers import wait_until

SECONDS = 1000


@pytest.fixture
def long_run(stack: Stack, dataset: str, tokenizer: str) -> Iterator[str]:
    """A run that trains for as long as the test needs it, past its second checkpoint."""
    every = {"evaluate": {"every": 5000, "batches": 2}, "checkpoint": {"every": 40, "keep_last": 50}, "optimizer": {"lr": 1e-3}}
    with stack.client() as client:
        run = client.runs.submit(spec("steered", dataset, tokenizer, steps=100_000, batch_size=16, **every))
        wait_until(lambda: client.runs.get(run.id).progress.step > 100, "step 100", 120)
        yield run.id
        if not client.runs.get(run.id).finished:
            client.runs.kill(run.id)


def picture(page: Page, artefacts: Path, name: str) -> None:
    page.screenshot(path=artefacts / f"steering-{name}.png")


@pytest.mark.timeout(300)
def test_pause_tune_resume_roll_back_and_fork(profile: BrowserContext, stack: Stack, long_run: str, artefacts: Path) -> None:
    with watched(profile, refused=True) as page:
        page.goto(f"{stack.url}/runs/{long_run}/charts")
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("menuitem", name=re.compile("Hold the slots")).click()
        expect(page.get_by_role("status").filter(has_text=re.compile(r"Pause by admin: applied at step [\d,]+ on 2 ranks"))).to_be_visible(
            timeout=20 * SECONDS
        )
        expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=20 * SECONDS)

        tune(page, artefacts)
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=20 * SECONDS)
        page.get_by_role("tab", name="Events").click()
        expect(page.get_by_label("Commands").get_by_text("optimizer.lr 0.0005")).to_be_visible()
        picture(page, artefacts, "commands")
        roll_back_and_fork(page, stack, long_run)
        with stack.client() as client:
            fork = client.runs.find("forked")
            client.runs.kill(long_run)
            assert client.runs.wait(fork.id, timeout=120).progress.step == 60
        origin_of_the_fork(page)
        replay(page, stack, fork.id)


def tune(page: Page, artefacts: Path) -> None:
    """A wrong value is told at its field; the right one is acknowledged."""
    page.get_by_role("button", name="Tune").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Learning rate", exact=True).fill("-1")
    dialog.get_by_role("button", name="Apply").click()
    expect(dialog.locator(".field-error")).to_contain_text("greater than 0")
    dialog.get_by_label("Learning rate", exact=True).fill("0.0005")
    dialog.get_by_label("Schedule", exact=True).select_option("constant")
    expect(dialog.get_by_text("will change: optimizer.lr 0.0005, schedule.name constant")).to_be_visible()
    picture(page, artefacts, "tune")
    assert violations(page) == []
    dialog.get_by_role("button", name="Apply").click()
    expect(dialog.get_by_role("status")).to_contain_text(re.compile(r"applied at step [\d,]+ on 2 ranks"), timeout=20 * SECONDS)
    dialog.get_by_role("button", name="Close").click()


def roll_back_and_fork(page: Page, stack: Stack, run_id: str) -> None:
    """Both from the checkpoint of step 40, in its menu."""
    page.get_by_role("tab", name="Checkpoints").click()
    page.get_by_role("button", name="More about step 40", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Roll back to this")).click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    with stack.client() as client:
        wait_until(lambda: any(attempt.state == "rolled_back" for attempt in client.runs.get(run_id).attempts), "it is rolled back", 60)
    page.get_by_role("button", name="More about step 40", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Fork from this")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("forked")
    dialog.get_by_label("Steps").fill("20")
    dialog.get_by_role("button", name="Fork", exact=True).click()
    expect(dialog.locator(".field-error")).to_contain_text("the checkpoint is of step 40")
    dialog.get_by_label("Steps").fill("60")
    assert violations(page) == []
    dialog.get_by_role("button", name="Fork", exact=True).click()
    expect(page.get_by_role("heading", name="forked", level=1)).to_be_visible(timeout=20 * SECONDS)
    expect(page.get_by_text("forked from")).to_be_visible()


def origin_of_the_fork(page: Page) -> None:
    """Its first mark tells where it comes from, and leads there."""
    expect(page.get_by_text("forked from").get_by_role("link", name="steered", exact=True)).to_be_visible()
    chart = page.get_by_role("group", name="Zoom and marks of train/loss")
    chart.focus()
    page.keyboard.press(".")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Step 40")
    expect(dialog.get_by_role("heading", name="Forked from here")).to_be_visible()
    expect(dialog.get_by_role("link", name="Look at that run")).to_be_visible()
    page.keyboard.press("Escape")


def replay(page: Page, stack: Stack, run_id: str) -> None:
    """Also of a run that has ended; leads to the new run, which says what it repeats."""
    page.get_by_role("button", name="New from this").click()
    page.get_by_role("menuitem", name=re.compile("^Replay")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("the checkpoint of step 40 that it was forked from")).to_be_visible()
    dialog.get_by_label("Name").fill("replayed")
    dialog.get_by_role("button", name="Replay", exact=True).click()
    expect(page.get_by_role("heading", name="replayed", level=1)).to_be_visible(timeout=20 * SECONDS)
    expect(page.get_by_text("a replay of").get_by_role("link", name="forked", exact=True)).to_be_visible()
    with stack.client() as client:
        again = client.runs.find("replayed")
        assert client.runs.wait(again.id, timeout=120).progress.step == 60
        assert losses(client, again.id) == losses(client, run_id)


def losses(client: Client, run_id: str) -> list[float | None]:
    wait_until(lambda: client.history.metrics(run_id, ["train/loss"], buckets=100)[0].x[-1:] == [60], "step 60 is in the history", 30)
    return client.history.metrics(run_id, ["train/loss"], buckets=100)[0].mean


@pytest.fixture
def without_checkpoints(stack: Stack, dataset: str) -> Iterator[str]:
    """A paused run whose only checkpoint rotted."""
    with stack.client() as client:
        run = client.runs.submit(spec("lost-its-checkpoint", dataset, "byte", steps=100_000, checkpoint={"every": 1_000_000}))
        wait_until(lambda: client.runs.get(run.id).progress.step > 10, "the first steps", 60)
        client.runs.commands.ask(run.id, "pause")
        wait_until(lambda: client.runs.get(run.id).state == "paused", "it is paused", 60)
        (checkpoint,) = client.checkpoints.list(run.id)
        flip_a_byte(stack, run.id, checkpoint.id)
        client.transport.post(f"/api/v1/checkpoints/{checkpoint.id}/verify", {})
        wait_until(lambda: client.checkpoints.get(checkpoint.id).state == "damaged", "it is known to be damaged", 60)
        yield run.id
        if not client.runs.get(run.id).finished:
            client.runs.kill(run.id)
        client.runs.wait(run.id, timeout=60)


@pytest.mark.timeout(240)
def test_a_resume_without_a_checkpoint_offers_to_begin_anew(profile: BrowserContext, stack: Stack, without_checkpoints: str) -> None:
    with stack.client() as client, watched(profile, refused=True) as page:
        page.goto(f"{stack.url}/runs/{without_checkpoints}/charts")
        page.get_by_role("button", name="Resume").click()
        dialog = page.get_by_role("alertdialog")
        expect(dialog.get_by_text("It has no checkpoint to go on from.")).to_be_visible()
        assert violations(page) == []
        dialog.get_by_role("button", name="Begin at the first step").click()
        expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=20 * SECONDS)
        page.get_by_role("button", name="Tune").click()
        client.runs.kill(without_checkpoints)
        expect(page.get_by_role("dialog").get_by_text(re.compile("^It has ended .killed."))).to_be_visible(timeout=20 * SECONDS)
        expect(page.get_by_role("dialog").get_by_role("button", name="Apply")).to_be_disabled()


@pytest.mark.timeout(240)
def test_an_emergency_stop_wants_its_words_and_kills_everything(
    profile: BrowserContext, stack: Stack, long_run: str, artefacts: Path
) -> None:
    with watched(profile) as page:
        page.goto(f"{stack.url}/cluster")
        page.get_by_role("button", name="Emergency stop").click()
        dialog = page.get_by_role("dialog")
        stop = dialog.get_by_role("button", name="Stop everything")
        expect(stop).to_be_disabled()
        dialog.get_by_label("Why?").fill("smoke")
        dialog.get_by_label("Type").fill("stop")
        expect(stop).to_be_disabled()
        dialog.get_by_label("Type").fill("stop everything")
        picture(page, artefacts, "emergency")
        assert violations(page) == []
        stop.click()
        expect(page.get_by_role("alert").filter(has_text="Emergency stop")).to_contain_text("smoke", timeout=10 * SECONDS)
        wait_until(
            lambda: not [each for each in stack.processes() if "services.trainer.main_child" in " ".join(each.cmdline())],
            "all processes gone",
            5,
        )
        with stack.client() as client:
            assert client.runs.get(long_run).state == "paused"
        picture(page, artefacts, "stopped")
        page.get_by_role("button", name="Reopen").click()
        expect(page.get_by_role("alert").filter(has_text="Emergency stop")).to_have_count(0)
