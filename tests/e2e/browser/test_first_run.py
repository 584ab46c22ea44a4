"""What a new user does, by hand, in a browser: from the login link to generated text, with a reload and a killed monitor in between."""

import re
import sysconfig
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.browser.chromium import login_link
from tests.e2e.browser.conftest import watched
from tests.e2e.runs import spec, steps_in_history
from tests.e2e.stack import Stack
from tests.servers import wait_until

SECONDS = 1000


@pytest.mark.timeout(420)
def test_from_the_login_link_to_generated_text(browser: Browser, stack: Stack, artefacts: Path) -> None:
    with (
        browser.new_context(base_url=stack.url, viewport={"width": 1280, "height": 900}) as context,
        watched(context, refused=True) as page,
    ):
        page.goto("/")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.goto(login_link(stack))
        expect(page.get_by_role("heading", name="Start your first run")).to_be_visible()
        page.screenshot(path=artefacts / "story-1-empty.png")
        upload(page)
        run_id = submit(page)
        expect(page.get_by_test_id("connection")).to_have_text(re.compile(r"^\s*live · \d+ ms$"), timeout=20 * SECONDS)
        watch_it_grow(page)
        page.screenshot(path=artefacts / "story-2-training.png")

        page.reload()
        watch_it_grow(page)
        no_point_lost_or_doubled(page)

        stack.kill("services.monitor.wsgi")
        expect(page.get_by_test_id("connection")).to_have_text(re.compile("reconnecting"), timeout=10 * SECONDS)
        page.screenshot(path=artefacts / "story-3-reconnecting.png")
        expect(page.get_by_test_id("connection")).to_have_text(re.compile("live|replaying"), timeout=60 * SECONDS)
        watch_it_grow(page)
        no_point_lost_or_doubled(page)

        stop(page)
        with stack.client() as client:
            steps = client.runs.get(run_id).progress.step
            wait_until(lambda: steps_in_history(client, run_id) == list(range(1, steps + 1)), f"{steps} steps, each once")
        wait_until(lambda: shown(page) == (steps, steps), f"the page has all {steps} points and no more")
        page.reload()
        wait_until(lambda: shown(page)[1] == steps, f"the page has all {steps} points after a reload too")

        generate(page)
        page.screenshot(path=artefacts / "story-4-generated.png")


@pytest.mark.timeout(240)
def test_a_restart_of_the_training_while_somebody_watches(profile: BrowserContext, stack: Stack, dataset: str) -> None:
    """The steps that are taken again replace those of the first attempt."""
    with stack.client() as client, watched(profile) as page:
        run_id = client.runs.submit(spec("killed-once", dataset, "byte", steps=1500, checkpoint={"every": 100}, evaluate={"every": 100})).id
        page.goto(f"/runs/{run_id}/charts")
        wait_until(lambda: client.runs.get(run_id).progress.step > 350, "350 steps", 90)
        stack.kill("services.trainer.main_child")
        wait_until(lambda: len(client.runs.get(run_id).attempts) == 2, "a second attempt", 60)
        assert client.runs.wait(run_id, timeout=120).succeeded
        wait_until(lambda: shown(page) == (1500, 1500), "every step once on the page that watched", 30)
        wait_until(lambda: steps_in_history(client, run_id) == list(range(1, 1501)), "every step once in the history", 30)


def upload(page: Page) -> None:
    texts = [Path(sysconfig.get_path("stdlib")) / f"{module}.py" for module in ("argparse", "typing", "inspect")]
    page.get_by_role("link", name="Datasets").first.click()
    page.get_by_label("Text files", exact=True).set_input_files(texts)
    page.get_by_label("Dataset", exact=True).fill("by-hand")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("link", name="by-hand@1").click(timeout=30 * SECONDS)
    expect(page.get_by_text("argparse.py").first).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="by-hand", exact=True).first.wait_for()


def submit(page: Page) -> str:
    """The form complains at the field, then takes the run. Returns its id."""
    page.goto("/runs/new?dataset=by-hand")
    page.get_by_role("button", name="Give a name first").click()
    page.get_by_label("Name", exact=True).fill("Not A Name")
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Name", exact=True).fill("first-light")
    for label, value in {"Steps": "100000", "Evaluate every": "200", "Checkpoint every": "100000", "Layers": "2", "Channels": "64"}.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_label("Heads", exact=True).fill("2")
    expect(page.get_by_text("all good")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Name", exact=True), "what was typed survives a reload").to_have_value("first-light")
    page.get_by_role("tab", name="YAML").click()
    expect(page.get_by_role("textbox").first).to_have_value(re.compile("steps: 100000"))
    page.get_by_role("tab", name="Form").click()
    page.get_by_role("button", name="Start run").click()
    page.wait_for_url("**/runs/run_*/charts")
    return page.url.split("/")[-2]


def loss_curve(page: Page) -> Locator:
    return page.get_by_role("img", name="train/loss:")


def shown(page: Page) -> tuple[int, int]:
    """Last step and number of points of the loss curve, as it is described to people who do not see it."""
    label = loss_curve(page).get_attribute("aria-label") or ""
    step, points = re.search(r"at step ([\d,]+)", label), re.search(r"([\d,]+) points", label)
    assert points, label
    return (number(step[1]) if step else 0), number(points[1])


def number(text: str) -> int:
    return int(text.replace(",", ""))


def watch_it_grow(page: Page) -> None:
    expect(loss_curve(page)).to_have_attribute("aria-label", re.compile(" points"), timeout=60 * SECONDS)
    before = shown(page)
    wait_until(lambda: shown(page)[0] >= before[0] + 50 and shown(page)[1] > before[1], "a growing curve", 60)


def no_point_lost_or_doubled(page: Page) -> None:
    """Every step from 1 to the last one is there once. A live page says both at one time."""
    step, points = shown(page)
    assert points == step


def stop(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Stop")).click()
    page.get_by_role("menuitem", name=re.compile("Stop gracefully")).click()
    page.get_by_role("button", name="Stop with a checkpoint").click()
    expect(page.get_by_text("stopped").first).to_be_visible(timeout=60 * SECONDS)


def generate(page: Page) -> None:
    page.get_by_role("link", name="Playground").first.click()
    page.get_by_label("Prompt").fill("def ")
    page.get_by_role("button", name="Generate").click()
    text = page.get_by_test_id("generated")
    expect(text).to_have_attribute("aria-busy", "false", timeout=60 * SECONDS)
    assert len(text.inner_text()) > len("def ") + 20
