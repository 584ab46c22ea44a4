"""Alerts and notifications as people see them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.alerts import Alerts
from tests.e2e.browser.conftest import watched
from tests.e2e.browser.test_pages import at_widths, overhang, violations
from tests.e2e.runs import spec
from tests.e2e.stack import Stack
from tests.monitor.webhooks import receiver
from tests.servers import wait_until

WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def alarming(stack: Stack, dataset: str) -> Iterator[str]:
    """A run that has used up its tokens and goes on, and whose gradient norm was too large for a while."""
    watched_for = {"budget": {"tokens": 5000}, "grad_norm": {"warmup": 20}}
    plan = spec("alarming", dataset, "byte", steps=1_000_000, checkpoint={"every": 1_000_000})
    with stack.client() as client:
        run = client.runs.submit({**plan, "alerts": watched_for, "compute": {"processes_per_node": 1}})
        wait_until(lambda: client.runs.get(run.id).progress.step > 60, "60 steps", 120)
        asking = Alerts(stack)
        asking.put_step(run.id, 61, train_grad_norm=1e6)
        wait_until(lambda: len(asking.get("/api/v1/alerts", run_id=run.id)) == 2, "two alerts", 60)
        yield run.id
        client.runs.kill(run.id)
        client.runs.wait(run.id, timeout=60)
        asking.remove_targets()
        asking.close()


@pytest.mark.timeout(200)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_pictures(profile: BrowserContext, alarming: str, artefacts: Path, theme: str) -> None:
    addresses = {"run-alerts": f"/runs/{alarming}/alerts", "runs-alarming": "/runs", "notifications": "/settings/notifications"}
    with watched(profile) as page:
        for name, address in addresses.items():
            for width in at_widths(page, address, theme, WIDTHS):  # type: ignore[arg-type]
                page.screenshot(path=artefacts / f"{name}-{theme}-{width}.png", full_page=True)
                assert overhang(page) <= 0, f"{name} at {width} px is wider than the window"
                if name == "run-alerts":
                    expect(page.get_by_role("tab", name="Alerts")).to_be_in_viewport(ratio=0.9)
                assert violations(page) == []


@pytest.mark.timeout(120)
def test_an_alert_is_seen_where_it_matters_and_acknowledged(profile: BrowserContext, alarming: str) -> None:
    with watched(profile) as page:
        page.goto("/runs")
        expect(page.get_by_role("img", name=re.compile("open alerts? of alarming, critical"))).to_be_visible()
        page.goto(f"/runs/{alarming}/charts")
        banner = page.locator(".open-alerts")
        expect(banner).to_contain_text(re.compile("budget|grad norm"))
        banner.get_by_role("link").click()
        expect(page.get_by_role("tab", name="Alerts")).to_have_attribute("aria-selected", "true")
        budget = page.locator(".alert", has_text="budget")
        expect(budget).to_contain_text("tokens are used; the limit is 5000")
        budget.get_by_role("button", name="Acknowledge").click()
        expect(budget).to_contain_text("Seen by admin")
        page.get_by_role("tab", name="Events").click()
        expect(page.get_by_text(re.compile("^budget at step"))).to_be_visible()


@pytest.mark.timeout(120)
def test_a_webhook_is_added_tried_and_removed(profile: BrowserContext, stack: Stack) -> None:
    with receiver() as hook, watched(profile, refused=True) as page:
        page.goto("/runs")
        page.get_by_role("button", name="Account and theme").click()
        page.get_by_role("menuitem", name="Notifications").click()
        page.get_by_role("heading", level=1, name="Notifications").wait_for()
        page.get_by_label("Name").fill("on call")
        page.get_by_label("Address").fill("http://10.0.0.1/hook")
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_text("which is not public")).to_be_visible()
        page.get_by_label("Address").fill(hook.url)
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_text("It is shown this once")).to_be_visible()
        page.get_by_role("button", name="Send a test to on call").click()
        expect(page.get_by_role("region", name="Deliveries").get_by_text("delivered")).to_be_visible(timeout=20_000)
        assert len(hook.bodies) == 1
        page.get_by_role("button", name="Remove on call").click()
        page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
        expect(page.get_by_text("Nobody is told yet")).to_be_visible()
