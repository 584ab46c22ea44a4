"""A quota that gets short: told where checkpoints are, where runs are, and before a run that would need more."""

import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.e2e.browser.chromium import signed_in
from tests.e2e.browser.conftest import watched
from tests.e2e.browser.test_checkpoints import pictures
from tests.e2e.browser.test_pages import violations
from tests.e2e.runs import spec
from tests.e2e.stack import Stack, running_stack
from tests.servers import wait_until

QUOTA = 12_000_000
"""Room for eight checkpoints of the run below, of which it keeps seven: more than four fifths, and one more fits."""


@pytest.fixture(scope="module")
def small_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("small"), GROUNDUP_CHECKPOINT_QUOTA_BYTES=str(QUOTA)) as stack:
        yield stack


@pytest.fixture
def small_profile(browser: Browser, small_stack: Stack) -> Iterator[BrowserContext]:
    with signed_in(browser, small_stack) as context:
        yield context


@pytest.mark.timeout(300)
def test_the_room_gets_short(small_profile: BrowserContext, small_stack: Stack, artefacts: Path) -> None:
    with small_stack.client() as client, watched(small_profile) as page:
        text = Path(sysconfig.get_path("stdlib")) / "argparse.py"
        dataset = client.datasets.push("text", [str(text)]).version.reference
        page.goto("/checkpoints")
        expect(page.get_by_role("heading", name="No checkpoints yet")).to_be_visible()
        assert violations(page) == []

        run = client.runs.submit(spec("large", dataset, "byte", steps=700, checkpoint={"every": 100, "keep_last": 7}))
        assert client.runs.wait(run.id, timeout=180).succeeded
        wait_until(lambda: usage(small_stack)["level"] == "warning", "little room is left", 30)
        page.goto("/runs")
        warning = page.get_by_role("status").filter(has_text="little room")
        expect(warning).to_contain_text(re.compile(r"of the quota are left.*Delete checkpoints"))
        page.screenshot(path=artefacts / "room-runs.png")
        assert violations(page) == []
        warning.get_by_role("link", name="Show checkpoints").click()
        room = page.get_by_role("region", name="Room for checkpoints")
        expect(room.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile(r"^8\d"))
        expect(room).to_contain_text(re.compile(r"little room.*of the quota of 12\.0 MB.*are left", re.DOTALL))

        page.goto(f"/runs/new?from={run.id}")
        expect(page.get_by_text("all good")).to_be_visible()
        expect(page.get_by_role("complementary", name="Estimate")).to_contain_text(
            re.compile(r"Warning train\.checkpoint .* are kept .* keep fewer")
        )
        page.screenshot(path=artefacts / "room-new-run.png", full_page=True)
        assert violations(page) == []
        pictures(page, "/checkpoints", artefacts / "room")


def usage(stack: Stack) -> Any:
    token = (stack.data_dir / "admin-token").read_text().strip()
    return httpx.get(f"{stack.url}/api/v1/checkpoints/usage", headers={"Authorization": f"Bearer {token}"}, timeout=30).json()
