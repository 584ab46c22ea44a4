"""What goes wrong under a person's hands: its own words, a next step, and nothing that was typed is lost."""

import re
import signal

import httpx
import pytest
from groundup import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.browser.chromium import signed_in
from tests.e2e.browser.conftest import watched
from tests.e2e.browser.test_pages import violations
from tests.e2e.runs import spec
from tests.e2e.stack import Stack
from tests.servers import wait_until

SECONDS = 1000
BAD = {
    "Project": ("Not a project", "pattern"),
    "Dataset": ("no-such-text", "no dataset"),
    "Tokenizer": ("no-such-tokenizer", "no tokenizer"),
    "Layers": ("0", "greater than or equal to 1"),
    "Heads": ("3", "even number of channels|does not divide"),
    "Channels": ("130", "does not divide"),
    "Sequence length": ("many", "valid integer"),
    "Steps": ("0", "greater than or equal to 1"),
    "Batch size": ("7", "do not divide"),
    "Learning rate": ("-1", "greater than 0"),
    "Warm-up steps": ("5000", "longer than the run"),
    "Priority": ("101", "less than or equal to 100"),
}
"""Per field of the form: a value that is refused, and words of the refusal."""
SHOWN_AT = {"Heads": "Channels"}
"""A mistake of two fields is told at the one the server names."""


@pytest.mark.timeout(180)
def test_every_refusal_is_told_at_its_field(profile: BrowserContext, dataset: str) -> None:
    with watched(profile) as page:
        page.goto(f"/runs/new?dataset={dataset.split('@', maxsplit=1)[0]}")
        page.get_by_role("button", name="Start over").click()
        page.get_by_label("Name", exact=True).fill("refused")
        page.get_by_label("Dataset", exact=True).fill(dataset)
        page.get_by_label("Processes", exact=True).fill("2")
        expect(page.get_by_text("all good")).to_be_visible()
        for label, (value, words) in BAD.items():
            field, told_at = page.get_by_label(label, exact=True), page.get_by_label(SHOWN_AT.get(label, label), exact=True)
            before = field.input_value()
            field.fill(value)
            expect(told_at, f"{label} = {value}").to_have_attribute("aria-invalid", "true")
            expect(told_at).to_have_accessible_description(re.compile(words))
            expect(page.get_by_role("button", name=re.compile(r"Mend .* first"))).to_be_visible()
            field.fill(before)
            expect(page.get_by_text("all good")).to_be_visible()


@pytest.mark.timeout(120)
def test_a_lost_session(browser: Browser, stack: Stack, dataset: str) -> None:
    with signed_in(browser, stack) as context, watched(context, refused=True) as page:
        page.goto("/runs/new")
        page.get_by_label("Name", exact=True).fill("typed-before")
        page.get_by_label("Dataset", exact=True).fill(dataset)
        expect(page.get_by_text("all good")).to_be_visible()
        context.clear_cookies()
        page.get_by_role("button", name="Start run").click()
        expect(page.get_by_role("heading", name="Sign in with a link")).to_be_visible()
        assert violations(page) == []
        page.get_by_role("button", name="I have signed in").click()
        expect(page.get_by_text("Still not signed in.")).to_be_visible()
        sign_in_elsewhere(context, stack)
        page.get_by_role("button", name="I have signed in").click()
        expect(page.get_by_label("Name", exact=True)).to_have_value("typed-before")
        expect(page.get_by_text("all good")).to_be_visible()


def sign_in_elsewhere(context: BrowserContext, stack: Stack) -> None:
    with stack.client() as client:
        link = client.account.login_link().url
    other = context.new_page()
    other.goto(link)
    other.wait_for_url("**/runs")
    other.close()


@pytest.mark.timeout(120)
def test_somebody_who_may_only_look(browser: Browser, stack: Stack, finished_run: str, dataset: str) -> None:
    with stack.client() as admin:
        token = admin.account.create_token("only-looks", "viewer").token
    assert token
    with Client(stack.url, token) as viewer, signed_in(browser, stack, viewer) as context, watched(context, refused=True) as page:
        page.goto(f"/runs/{finished_run}/charts")
        expect(page.get_by_role("img", name="train/loss:")).to_be_visible()
        expect(page.get_by_role("button", name="Delete")).to_have_count(0)
        page.goto("/runs/new")
        page.get_by_label("Name", exact=True).fill("not-mine-to-start")
        page.get_by_label("Dataset", exact=True).fill(dataset)
        expect(page.get_by_role("alert")).to_contain_text(re.compile("viewer"))
        page.get_by_role("button", name="Start run").click()
        expect(page.get_by_role("alert").first).to_contain_text(re.compile("viewer"))
        expect(page.get_by_label("Name", exact=True)).to_have_value("not-mine-to-start")


@pytest.mark.timeout(180)
def test_a_run_that_is_deleted_while_somebody_looks(profile: BrowserContext, stack: Stack, dataset: str) -> None:
    with stack.client() as client, watched(profile, refused=True) as page:
        run = client.runs.submit(spec("short-lived", dataset, "byte", steps=20))
        assert client.runs.wait(run.id, timeout=120).succeeded
        page.goto(f"/runs/{run.id}/charts")
        expect(page.get_by_role("heading", name="short-lived")).to_be_visible()
        expect(page.get_by_test_id("connection")).to_have_text(re.compile("live"))
        client.runs.delete(run.id)
        expect(page.get_by_role("heading", name="This run does not exist")).to_be_visible(timeout=20 * SECONDS)
        page.get_by_role("link", name="All runs", exact=True).click()
        expect(page).to_have_url(re.compile("/runs$"))


@pytest.mark.timeout(180)
def test_a_worker_that_is_gone(profile: BrowserContext, stack: Stack, dataset: str) -> None:
    """Stopped in its tracks past its lease, as a host that hangs."""
    agent = stack.oldest("services.trainer.main_agent")
    with stack.client() as client, watched(profile) as page:
        agent.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: all(worker.state == "lost" for worker in client.workers.list()), "the worker counts as lost", 120)
            page.goto("/cluster")
            expect(page.get_by_text("lost", exact=True)).to_be_visible()
            run = client.runs.submit(spec("waits-for-a-worker", dataset, "byte", steps=20))
            page.goto(f"/runs/{run.id}/charts")
            expect(page.get_by_text(re.compile("no worker"))).to_be_visible(timeout=30 * SECONDS)
            assert violations(page) == []
        finally:
            agent.send_signal(signal.SIGCONT)
        assert client.runs.wait(run.id, timeout=90).succeeded


@pytest.mark.timeout(120)
def test_a_service_that_is_down(profile: BrowserContext, stack: Stack) -> None:
    supervisor = stack.oldest("supervisord")
    with watched(profile, refused=True) as page:
        supervisor.send_signal(signal.SIGSTOP)  # nobody starts it again
        try:
            stack.kill("services.storage.wsgi")
            wait_until(lambda: refuses(stack, "/api/v1/datasets"), "storage is gone")
            page.goto("/datasets")
            expect(page.get_by_role("heading", name="A service is being restarted")).to_be_visible(timeout=30 * SECONDS)
            assert violations(page) == []
        finally:
            supervisor.send_signal(signal.SIGCONT)
        recover(page)


def refuses(stack: Stack, path: str) -> bool:
    token = (stack.data_dir / "admin-token").read_text().strip()
    return httpx.get(stack.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=30).status_code == 503


def recover(page: Page) -> None:
    def shown() -> bool:
        button = page.get_by_role("button", name="Try again")
        if button.is_visible():
            button.click()
        return page.get_by_role("link", name="stdlib", exact=True).first.is_visible()

    wait_until(shown, "the datasets are listed again", 60)
