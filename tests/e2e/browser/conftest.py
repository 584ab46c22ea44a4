"""A real Chromium, the system's, in front of the whole stack. Pictures are kept in GROUNDUP_ARTEFACTS, or build/e2e/."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.browser.chromium import chromium, signed_in
from tests.e2e.runs import spec
from tests.e2e.stack import ROOT, Stack

REFUSALS = ("Failed to load resource", "WebSocket connection")
"""The browser itself writes these when a service is down, something is not there or nobody is signed in."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What a new user does comes first: it begins where there are no runs yet."""
    items.sort(key=lambda item: item.path.name != "test_first_run.py")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def artefacts() -> Path:
    folder = Path(os.environ.get("GROUNDUP_ARTEFACTS", ROOT / "build" / "e2e"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="package")
def profile(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    with signed_in(browser, stack) as context:
        yield context


class watched:  # noqa: N801  (used like a function)
    """A page whose complaints are gathered and looked at in the end. `refused`: the test has requests refused on purpose."""

    def __init__(self, context: BrowserContext, *, refused: bool = False) -> None:
        self.page = context.new_page()
        self.refused = refused
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._hear(message.type, message.text))

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and not (self.refused and any(word in text for word in REFUSALS)):
            self.complaints.append(text)

    def __enter__(self) -> Page:
        return self.page

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self.page.close()
        assert failure or self.complaints == []


@pytest.fixture(scope="package")
def finished_run(stack: Stack, dataset: str, tokenizer: str) -> str:
    """A run with something in every tab."""
    every = {"evaluate": {"every": 50, "batches": 4}, "checkpoint": {"every": 100}}
    sample = {"every": 100, "prompts": ["def "], "max_new_tokens": 24}
    with stack.client() as client:
        run = client.runs.submit(spec("finished", dataset, tokenizer, steps=300, **every, sample=sample))
        assert client.runs.wait(run.id, timeout=240).succeeded
        return run.id
