"""A run's metric points, downloaded by a click."""

import csv
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.browser.conftest import watched


def download(page: Page, text: str) -> tuple[str, Path]:
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as coming:
        page.get_by_role("menuitem", name=text).click()
    return coming.value.suggested_filename, coming.value.path()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("width", [1280, 390])
def test_a_run_is_exported(profile: BrowserContext, finished_run: str, artefacts: Path, width: int) -> None:
    with watched(profile) as page:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"/runs/{finished_run}/charts")
        page.get_by_role("heading", name="train/loss").scroll_into_view_if_needed()
        expect(page.get_by_role("img", name="train/loss:")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        name, file = download(page, "CSV")
        assert name.endswith(f"-{finished_run}-metrics.csv")
        rows = list(csv.DictReader(file.read_text().splitlines()))
        losses = [int(row["step"]) for row in rows if row["name"] == "train/loss"]
        assert losses == list(range(1, len(losses) + 1))
        assert losses
        page.get_by_role("button", name="Export").click()
        page.screenshot(path=artefacts / f"export-{width}.png")
        page.keyboard.press("Escape")
        name, file = download(page, "TensorBoard")
        assert name.endswith("-metrics-tensorboard.zip")
        assert zipfile.ZipFile(file).testzip() is None
