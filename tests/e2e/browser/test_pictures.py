"""The pictures of the README: a run of some length, as people see it. `./run pictures` puts them into docs/pictures/."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.browser.conftest import watched
from tests.e2e.browser.test_pages import settle
from tests.e2e.runs import spec
from tests.e2e.stack import Stack
from tests.servers import wait_until

SIZE = {"width": 1280, "height": 860}


@pytest.fixture(scope="module")
def long_run(stack: Stack, dataset: str, tokenizer: str) -> str:
    """At work, with a curve worth looking at."""
    often = {"evaluate": {"every": 100, "batches": 4}, "checkpoint": {"every": 500}}
    sample = {"every": 250, "prompts": ["def "], "max_new_tokens": 48}
    with stack.client() as client:
        run = client.runs.submit(spec("python-bpe", dataset, tokenizer, steps=1600, **often, sample=sample))
        wait_until(lambda: client.runs.get(run.id).progress.step > 1200, "1,200 steps", 240)
        return run.id


@pytest.mark.timeout(400)
def test_pictures_of_the_readme(profile: BrowserContext, stack: Stack, finished_run: str, long_run: str, artefacts: Path) -> None:
    with watched(profile) as page:
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        page.set_viewport_size(SIZE)  # type: ignore[arg-type]
        for name, address in {"run": f"/runs/{long_run}/charts?smooth=0.6", "runs": "/runs"}.items():
            page.goto(address)
            settle(page)
            page.screenshot(path=artefacts / f"readme-{name}.png")
        with stack.client() as client:
            assert client.runs.wait(long_run, timeout=240).succeeded
        page.goto(f"/playground?run={long_run}")
        page.get_by_label("Prompt").fill("def main(")
        page.get_by_role("button", name="Generate").click()
        expect(page.get_by_test_id("generated")).to_have_attribute("aria-busy", "false", timeout=60_000)
        expect(page.get_by_test_id("connection")).to_have_text(re.compile("live"))
        page.screenshot(path=artefacts / "readme-playground.png")
