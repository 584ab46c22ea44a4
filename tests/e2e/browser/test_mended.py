"""Refusals that go away when they are mended, and connections that break off in the middle of something."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.browser.chromium import signed_in
from tests.e2e.browser.conftest import watched
from tests.e2e.browser.test_refusals import sign_in_elsewhere
from tests.e2e.stack import Stack

TAKEN = {"code": "invalid", "detail": "one field is wrong", "errors": [{"field": "name", "message": "is taken by another run"}]}


def draft(page: Page, name: str, dataset: str) -> None:
    page.goto("/runs/new")
    page.get_by_role("button", name="Start over").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Dataset", exact=True).fill(dataset)
    expect(page.get_by_text("all good")).to_be_visible()


@pytest.mark.timeout(60)
def test_a_refusal_goes_when_it_is_mended(profile: BrowserContext, dataset: str) -> None:
    with watched(profile, refused=True) as page:
        draft(page, "taken", dataset)
        page.route("**/api/v1/runs", lambda route: route.fulfill(status=422, json=TAKEN), times=1)
        page.get_by_role("button", name="Start run").click()
        name = page.get_by_label("Name", exact=True)
        expect(name).to_have_accessible_description(re.compile("is taken by another run"))
        expect(name, "the first field that is wrong").to_be_focused()
        page.get_by_role("tab", name="YAML").click()
        expect(page.get_by_text("is taken by another run")).to_be_visible()
        page.get_by_role("tab", name="cURL").click()
        expect(page.get_by_text("is taken by another run")).to_be_visible()
        page.get_by_role("tab", name="Form").click()
        name.press_sequentially("-2")
        expect(page.get_by_text("is taken by another run")).to_have_count(0)


@pytest.mark.timeout(60)
def test_what_is_known_to_be_wrong_is_not_sent(profile: BrowserContext, dataset: str) -> None:
    with watched(profile, refused=True) as page:
        draft(page, "wrong", dataset)
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if request.method == "POST" and request.url.endswith("/runs") else None)
        page.get_by_label("Steps", exact=True).fill("0")
        page.get_by_role("button", name="Mend one field first").click()
        expect(page.get_by_label("Steps", exact=True)).to_be_focused()
        page.get_by_label("Steps", exact=True).fill("10")
        page.get_by_label("Name", exact=True).fill("")
        page.get_by_role("tab", name="cURL").click()
        page.get_by_role("button", name="Give a name first").click()
        expect(page.get_by_label("Estimate").get_by_text("name", exact=True)).to_be_visible()
        page.get_by_role("tab", name="YAML").click()
        page.get_by_label("Run spec").fill("name: [")
        page.get_by_role("tab", name="cURL").click()
        page.get_by_role("button", name="Mend the YAML first").click()
        expect(page.get_by_label("Run spec")).to_have_attribute("aria-invalid", "true")
        assert sent == []


@pytest.mark.timeout(90)
def test_signing_out_does_not_pretend(browser: Browser, stack: Stack, dataset: str) -> None:
    with signed_in(browser, stack) as context, watched(context, refused=True) as page, watched(context, refused=True) as other:
        draft(page, "secret-plan", dataset)
        other.goto("/datasets")
        page.route("**/api/v1/logout", lambda route: route.abort(), times=1)
        sign_out(page)
        expect(page.get_by_text("You are still signed in.")).to_be_visible()
        expect(page.get_by_label("Name", exact=True)).to_have_value("secret-plan")
        sign_out(page)
        for tab in (page, other):
            expect(tab.get_by_role("heading", name="Sign in with a link")).to_be_visible()
            expect(tab.get_by_test_id("connection")).to_have_text(re.compile("not connected|signed out"))
        sign_in_elsewhere(context, stack)
        page.get_by_role("button", name="I have signed in").click()
        expect(page.get_by_label("Name", exact=True)).to_have_value("")
        expect(page.get_by_test_id("connection")).to_have_text(re.compile("live"))


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Account and theme").click()
    page.get_by_role("menuitem", name="Sign out").click()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["LogsTab-*.js", "LogsTab-*.css"])
def test_a_script_that_could_not_be_had(profile: BrowserContext, finished_run: str, kind: str) -> None:
    """The page is loaded anew by itself, or trying again helps; that it failed is written to the console, rightly."""
    page = profile.new_page()
    page.goto(f"/runs/{finished_run}/config")
    page.route(f"**/assets/{kind}", lambda route: route.abort(), times=1)
    page.get_by_role("tab", name="Logs").click()
    again, lines = page.get_by_role("button", name="Try again"), page.get_by_role("log")
    expect(again.or_(lines)).to_be_visible()
    if again.is_visible():
        again.click()
    expect(lines).to_be_visible()
    page.close()


@pytest.mark.timeout(60)
def test_a_generation_that_breaks_off(browser: Browser, stack: Stack, finished_run: str) -> None:
    token = 'data: {"kind":"token","index":0,"text":"return","token":1,"logprob":-0.5}\n\n'
    with signed_in(browser, stack) as context, watched(context, refused=True) as page:
        page.goto(f"/playground?run={finished_run}")
        page.get_by_label("Prompt").fill("def ")
        page.route("**/api/v1/generate", lambda route: route.fulfill(content_type="text/event-stream", body=token), times=1)
        page.get_by_role("button", name="Generate").click()
        expect(page.get_by_role("alert")).to_contain_text("broke off before its end")
        expect(page.get_by_role("status").filter(has_text="broke off: return")).to_have_count(1)
        page.get_by_label("Temperature").fill("hot")
        page.get_by_role("button", name="Generate").click()
        expect(page.get_by_label("Temperature")).to_be_focused()
        expect(page.get_by_label("Temperature")).to_have_attribute("aria-invalid", "true")
        context.clear_cookies()
        page.get_by_label("Temperature").fill("1")
        page.get_by_role("button", name="Generate").click()
        expect(page.get_by_role("heading", name="Sign in with a link")).to_be_visible()


@pytest.mark.timeout(60)
def test_a_refused_upload_keeps_its_files(profile: BrowserContext, tmp_path: Path) -> None:
    text = tmp_path / "novel.txt"
    text.write_text("Once upon a time.\n" * 10)
    with watched(profile, refused=True) as page:
        page.goto("/datasets")
        page.get_by_label("Text files", exact=True).set_input_files(text)
        page.route("**/api/v1/uploads", lambda route: route.fulfill(status=422, json={**TAKEN, "errors": []}), times=1)
        page.get_by_role("button", name="Upload", exact=True).click()
        page.get_by_role("button", name="Change name or files").click()
        expect(page.get_by_text("novel.txt")).to_be_visible()
        page.get_by_label("Dataset", exact=True).fill("mended-name")
        page.get_by_role("button", name="Upload", exact=True).click()
        expect(page.get_by_role("link", name="mended-name@1")).to_be_visible()
