"""The Checkpoints page by hand: pin, promote, compare, download, delete with bytes told first, and a flipped byte that is found."""

import hashlib
import re
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from groundup import Client
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.browser.chromium import signed_in
from tests.e2e.browser.conftest import watched
from tests.e2e.browser.test_pages import Theme, overhang, settle, violations
from tests.e2e.runs import spec
from tests.e2e.stack import Stack
from tests.servers import wait_until

SECONDS = 1000
EVERY = 100
STEPS = 700
WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def kept_run(stack: Stack, dataset: str, tokenizer: str) -> str:
    """A run with a checkpoint every 100 steps, of which its rules keep two or three."""
    every = {"evaluate": {"every": EVERY, "batches": 4}, "checkpoint": {"every": EVERY, "keep_last": 2, "keep_best": 1}}
    with stack.client() as client:
        # Steps that take their time: what a backlog has made superfluous would never be carried.
        run = client.runs.submit(spec("kept", dataset, tokenizer, steps=STEPS, batch_size=48, **every))
        assert client.runs.wait(run.id, timeout=240).succeeded
    return run.id


def ask(stack: Stack, path: str, **query: str) -> Any:
    token = (stack.data_dir / "admin-token").read_text().strip()
    return httpx.get(stack.url + path, params=query, headers={"Authorization": f"Bearer {token}"}, timeout=30).raise_for_status().json()


def checkpoints_of(stack: Stack, run_id: str) -> list[dict[str, Any]]:
    """Newest first."""
    items: list[dict[str, Any]] = ask(stack, "/api/v1/checkpoints", run_id=run_id)["items"]
    return items


def at_step(stack: Stack, run_id: str, step: int) -> dict[str, Any]:
    return next(each for each in checkpoints_of(stack, run_id) if each["step"] == step)


def expiring(stack: Stack, run_id: str) -> list[dict[str, Any]]:
    """Those that nothing keeps, at least two; the scheduler gives a date to what was unpinned a moment ago."""

    def found() -> list[dict[str, Any]]:
        free = [each for each in checkpoints_of(stack, run_id) if not each["kept_because"] and each["state"] == "committed"]
        return free if len(free) >= 2 and all(each["expires_at"] for each in free) else []

    wait_until(lambda: bool(found()), "every checkpoint that nothing keeps has its date", 60)
    return found()


def row(page: Page, step: int) -> Locator:
    """All lines of a checkpoint."""
    return page.locator("tbody").filter(has=page.get_by_role("checkbox", name=f"Choose step {step:,}", exact=True))


def act(page: Page, step: int, item: str) -> None:
    page.get_by_role("button", name=f"More about step {step:,}", exact=True).click()
    page.get_by_role("menuitem", name=re.compile(f"^{item}")).click()


def told(page: Page) -> Locator:
    return page.locator(".checkpoint-said")


@pytest.mark.timeout(300)
def test_pin_and_unpin(profile: BrowserContext, stack: Stack, kept_run: str) -> None:
    step = expiring(stack, kept_run)[0]["step"]
    with watched(profile) as page:
        page.goto(f"/runs/{kept_run}/checkpoints")
        expect(row(page, step)).to_contain_text(re.compile("hash verified .* ago"))
        expect(row(page, step)).to_contain_text(re.compile("expires in 23 h"))
        page.get_by_role("button", name=f"Pin step {step}", exact=True).click()
        expect(row(page, step).get_by_text("pinned", exact=True)).to_be_visible()
        expect(row(page, step)).not_to_contain_text("expires")
        expect(told(page)).to_contain_text("Pinned")
        assert at_step(stack, kept_run, step)["pinned"]
        page.get_by_role("button", name="pinned", exact=True).click()
        expect(page.locator("tbody")).to_have_count(1)
        page.reload()
        expect(page.locator("tbody"), "the filter is in the address").to_have_count(1)
        page.get_by_role("button", name=f"Details of step {step}").press("Enter")
        expect(row(page, step)).to_contain_text(re.compile("Kept because.*pinned by", re.DOTALL))
        act(page, step, "Unpin")
        expect(page.get_by_role("heading", name="No checkpoint matches")).to_be_visible()
        page.get_by_role("button", name="Show all checkpoints").click()
        expect(row(page, step)).to_be_visible()


@pytest.mark.timeout(120)
def test_an_alias_is_given_and_moved(profile: BrowserContext, stack: Stack, kept_run: str) -> None:
    first, second = (each["step"] for each in expiring(stack, kept_run)[:2])
    with watched(profile, refused=True) as page:
        page.goto(f"/checkpoints?run={kept_run}")
        act(page, first, "Aliases")
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Alias", exact=True).fill("Not A Name")
        dialog.get_by_role("button", name="Give it the alias").click()
        expect(dialog.get_by_label("Alias", exact=True)).to_have_attribute("aria-invalid", "true")
        dialog.get_by_label("Alias", exact=True).fill("production")
        dialog.get_by_role("button", name="Give it the alias").click()
        expect(row(page, first).get_by_text("production", exact=True)).to_be_visible()

        act(page, second, "Aliases")
        dialog.get_by_label("Alias", exact=True).fill("production")
        expect(dialog.get_by_role("status")).to_contain_text(f"production is step {first} of kept now")
        assert violations(page) == []
        dialog.get_by_role("button", name="Move the alias here").click()
        expect(row(page, second).get_by_text("production", exact=True)).to_be_visible()
        expect(row(page, first).get_by_text("production", exact=True)).to_have_count(0)
        assert ask(stack, "/api/v1/aliases/default/production")["step"] == second

        page.get_by_label("Alias").select_option("default/production")
        expect(page.locator("tbody")).to_have_count(1)
        act(page, second, "Aliases")
        dialog.get_by_role("button", name="Remove the alias production").click()
        expect(told(page)).to_contain_text("The alias production is gone")
        assert at_step(stack, kept_run, second)["aliases"] == []


@pytest.mark.timeout(120)
def test_two_are_compared(profile: BrowserContext, kept_run: str, finished_run: str, artefacts: Path) -> None:
    with watched(profile) as page:
        page.goto("/checkpoints")
        kept, finished = page.get_by_role("region", name="kept"), page.get_by_role("region", name="finished")
        kept.get_by_role("checkbox", name=f"Choose step {STEPS}").check()
        expect(page.get_by_role("button", name="Compare")).to_be_disabled()
        finished.get_by_role("checkbox", name="Choose step 300").check()
        page.get_by_role("button", name="Compare").click()
        measured = page.get_by_role("table", name="Measured")
        expect(measured.get_by_role("row", name=re.compile("^step 300 700"))).to_contain_text("+400")
        expect(measured).to_contain_text("val/loss")
        expect(page.get_by_role("table", name="Configuration").get_by_role("row", name=re.compile("^train.steps"))).to_contain_text("300")
        assert violations(page) == []
        page.screenshot(path=artefacts / "checkpoints-compare.png")
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Compare"), "the focus comes back").to_be_focused()


@pytest.mark.timeout(120)
def test_the_download_unpacks(profile: BrowserContext, stack: Stack, kept_run: str, tmp_path: Path) -> None:
    with watched(profile) as page:
        page.goto(f"/runs/{kept_run}/checkpoints")
        with page.expect_download() as download:
            act(page, STEPS, "Download")
        download.value.save_as(tmp_path / "checkpoint.tar")
    with tarfile.open(tmp_path / "checkpoint.tar") as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    files = {path.name: path for path in (tmp_path / "unpacked").rglob("*") if path.is_file()}
    weights = next(file for file in at_step(stack, kept_run, STEPS)["files"] if file["name"].startswith("model"))
    assert hashlib.sha256(files["model.safetensors"].read_bytes()).hexdigest() == weights["sha256"]
    assert {"tokenizer.json", "config.json", "README.md"} <= files.keys()


@pytest.mark.timeout(120)
def test_several_are_deleted_and_what_is_pinned_stays(profile: BrowserContext, stack: Stack, kept_run: str) -> None:
    pinned, *others = expiring(stack, kept_run)[-3:]
    before = checkpoints_of(stack, kept_run)
    with watched(profile) as page:
        page.goto(f"/runs/{kept_run}/checkpoints")
        page.get_by_role("button", name=f"Pin step {pinned['step']}", exact=True).click()
        expect(row(page, pinned["step"]).get_by_text("pinned", exact=True)).to_be_visible()
        for each in (pinned, *others):
            page.get_by_role("checkbox", name=f"Choose step {each['step']}", exact=True).check()
        page.get_by_role("button", name="Delete…").click()
        dialog = page.get_by_role("dialog")
        freed = size(sum(each["bytes"] for each in others))
        expect(dialog).to_contain_text(f"{freed} are freed")
        expect(dialog.get_by_role("list", name="What stays")).to_contain_text(f"step {pinned['step']} of kept")
        expect(dialog.get_by_role("list", name="What stays")).to_contain_text("pinned by")
        assert len(checkpoints_of(stack, kept_run)) == len(before), "nothing is deleted before it is confirmed"
        assert violations(page) == []
        dialog.get_by_role("button", name=f"Delete {len(others)} checkpoint").click()
        expect(dialog).to_be_hidden()
        expect(told(page)).to_contain_text(f"{freed} freed")
        for each in others:
            expect(row(page, each["step"])).to_have_count(0, timeout=30 * SECONDS)
        expect(row(page, pinned["step"])).to_be_visible()
    assert {each["id"] for each in checkpoints_of(stack, kept_run)}.isdisjoint(each["id"] for each in others)


def size(count: int) -> str:
    """As the dashboard writes it: three significant digits."""
    scaled, unit = (count / 1e6, "MB") if count >= 999_500 else (count / 1e3, "kB")
    digits = max(0, 3 - len(str(int(scaled))))
    return f"{scaled:.{digits}f} {unit}"


@pytest.mark.timeout(180)
def test_a_flipped_byte_is_found_and_shown(profile: BrowserContext, stack: Stack, finished_run: str, artefacts: Path) -> None:
    checkpoint = at_step(stack, finished_run, 200)
    with watched(profile) as page:
        page.goto(f"/runs/{finished_run}/checkpoints")
        act(page, 100, "Verify now")
        expect(told(page)).to_contain_text("all hashes are right", timeout=30 * SECONDS)
        flip_a_byte(stack, finished_run, checkpoint["id"])
        act(page, 200, "Verify now")
        expect(row(page, 200).get_by_text("damaged", exact=True)).to_be_visible(timeout=30 * SECONDS)
        weights = next(file for file in checkpoint["files"] if file["name"] == "model.safetensors")
        expect(row(page, 200)).to_contain_text(re.compile(f"expected .*{weights['sha256']}.* found "))
        expect(row(page, 200).get_by_role("link", name=re.compile("Try step"))).to_have_count(0)
        pictures(page, f"/runs/{finished_run}/checkpoints?only=damaged", artefacts / "checkpoints-damaged")
        page.goto("/checkpoints?only=damaged")
        expect(row(page, 200)).to_be_visible()
        page.goto(f"/runs/{finished_run}/charts")
        settle(page)
        page.screenshot(path=artefacts / "checkpoints-marks.png")
        page.goto(f"/runs/{finished_run}/events")
        expect(page.get_by_text(re.compile("checkpoint of step 200 is damaged"))).to_be_visible()
        page.goto("/playground?run=" + finished_run)
        expect(page.get_by_label("Checkpoint").get_by_role("option", name=re.compile("step 300"))).to_have_count(1)
        expect(page.get_by_label("Checkpoint").get_by_role("option", name=re.compile("step 200"))).to_have_count(0)


def flip_a_byte(stack: Stack, run_id: str, checkpoint_id: str) -> None:
    (file,) = (stack.data_dir / "s3").glob(f"*/checkpoints/{run_id}/{checkpoint_id}/model.safetensors")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.timeout(120)
def test_somebody_who_may_only_look_sees_no_way_to_write(browser: Browser, stack: Stack, kept_run: str) -> None:
    with stack.client() as admin:
        token = admin.account.create_token("only-looks-here", "viewer").token
    assert token
    with Client(stack.url, token) as viewer, signed_in(browser, stack, viewer) as context, watched(context) as page:
        page.goto("/checkpoints")
        page.get_by_role("checkbox", name=f"Choose step {STEPS}", exact=True).check()
        expect(page.get_by_role("region", name="Chosen checkpoints")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("Delete|^Pin|^Unpin"))).to_have_count(0)
        page.get_by_role("button", name=f"More about step {STEPS}", exact=True).click()
        expect(page.get_by_role("menuitem")).to_have_text([re.compile("Try"), re.compile("Download")])


@pytest.mark.timeout(120)
def test_pictures_of_what_opens(profile: BrowserContext, kept_run: str, artefacts: Path) -> None:
    def open_everything(page: Page) -> None:
        page.get_by_role("button", name=f"Details of step {STEPS}").click()
        page.get_by_role("checkbox", name="Choose all checkpoints of kept").check()

    with watched(profile) as page:
        pictures(page, f"/checkpoints?run={kept_run}", artefacts / "checkpoints-open", open_everything)
        page.get_by_role("button", name=f"More about step {STEPS}", exact=True).click()
        page.get_by_role("menuitem").first.wait_for()
        page.screenshot(path=artefacts / "checkpoints-menu.png")
        assert violations(page) == []
        page.keyboard.press("Escape")
        for name, button in {"delete": "Delete…", "alias": None}.items():
            if button is None:
                act(page, STEPS, "Aliases")
            else:
                page.get_by_role("button", name=button).click()
            expect(page.get_by_role("dialog")).to_be_visible()
            expect(page.get_by_role("dialog").locator(".skeleton")).to_have_count(0)
            page.screenshot(path=artefacts / f"checkpoints-{name}.png")
            assert violations(page) == []
            page.keyboard.press("Escape")


def pictures(page: Page, address: str, path: Path, prepare: Any = lambda _page: None) -> None:
    """In both themes and two widths; nothing hangs over the edge, and axe finds nothing."""
    themes: tuple[Theme, ...] = ("dark", "light")
    for theme in themes:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto("about:blank")
            page.goto(address)
            settle(page)
            prepare(page)
            page.screenshot(path=f"{path}-{theme}-{width}.png", full_page=True)
            assert overhang(page) <= 0, f"at {width} px the page is wider than the window"
            assert violations(page) == []
