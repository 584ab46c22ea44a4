"""The system's Chromium under Playwright, and somebody signed in to it."""

import contextlib
import os
import shutil
from collections.abc import Iterator

from groundup import Client
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.e2e.stack import Stack

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """CHROMIUM, or the first that is installed."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        raise FileNotFoundError("no Chromium on this machine; `./run e2e` installs it, or set CHROMIUM to its path")
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=path, args=FLAGS) as browser:
        yield browser


@contextlib.contextmanager
def signed_in(browser: Browser, stack: Stack, client: Client | None = None) -> Iterator[BrowserContext]:
    """A browser profile in which somebody, the admin unless a client of theirs is given, has followed a login link."""
    with browser.new_context(base_url=stack.url) as context:
        page = context.new_page()
        page.goto(client.account.login_link().url if client else login_link(stack))
        page.wait_for_url("**/runs")
        page.close()
        yield context


def login_link(stack: Stack) -> str:
    with stack.client() as client:
        return client.account.login_link().url
