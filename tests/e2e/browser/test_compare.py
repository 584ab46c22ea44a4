"""Runs side by side: chosen in the list, their curves on the same charts, where their configurations differ."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.browser.conftest import watched
from tests.e2e.browser.test_pages import Theme, at_widths, draw_all_charts, overhang, violations
from tests.e2e.runs import spec
from tests.e2e.stack import Stack

WIDTHS = (390, 1280)
RATES = {"slow": 1e-4, "usual": 3e-3, "fast": 1e-2}
STEPS = 200


@pytest.fixture(scope="module")
def three(stack: Stack, dataset: str) -> dict[str, str]:
    """Ids by name of runs that differ in their learning rate; one was changed on its way."""
    found = {}
    with stack.client() as client:
        for name, rate in RATES.items():
            plan = spec(f"rate-{name}", dataset, "byte", steps=STEPS, evaluate={"every": 50, "batches": 2})
            plan["train"]["optimizer"] = {"lr": rate}
            found[name] = client.runs.submit(plan).id
        for run_id in found.values():
            assert client.runs.wait(run_id, timeout=240).succeeded
    return found


@pytest.fixture
def compared(profile: BrowserContext, three: dict[str, str]) -> Iterator[Page]:
    with watched(profile) as page:
        page.goto(f"/compare?runs={','.join(three.values())}")
        expect(page.get_by_role("img", name="train/loss: 3 runs")).to_be_visible()
        yield page


@pytest.mark.timeout(400)
def test_runs_are_chosen_in_the_list_and_back_finds_them_chosen(profile: BrowserContext, three: dict[str, str]) -> None:
    with watched(profile) as page:
        page.goto("/runs?q=rate-")
        for name in ("slow", "fast"):
            page.get_by_label(f"Choose rate-{name}", exact=True).check()
        page.get_by_role("button", name="Hide rate-slow in the comparison").click()
        expect(page).to_have_url(re.compile(f"hidden={three['slow']}"))
        page.get_by_role("link", name="Compare 2").click()
        legend = page.get_by_role("region", name="Compared runs")
        expect(legend.get_by_role("listitem")).to_have_count(2)
        expect(page.get_by_role("img", name="train/loss:")).to_have_accessible_name(re.compile(f"at step {STEPS}, {STEPS} points"))
        legend.get_by_role("button", name="Show rate-slow").click()
        expect(page.get_by_role("img", name=f"train/loss: 2 runs, {2 * STEPS} points; at their ends rate-slow")).to_be_visible()
        page.go_back()
        expect(page.get_by_label("Choose rate-fast", exact=True)).to_be_checked()
        page.get_by_role("button", name="Choose none").click()
        expect(page).to_have_url(re.compile(r"/runs\?q=rate-$"))


@pytest.mark.timeout(120)
def test_what_is_shown_is_in_the_address(compared: Page) -> None:
    compared.get_by_role("radio", name="Tokens").click()
    compared.keyboard.press("l")
    compared.keyboard.press("s")
    compared.get_by_label("Find metrics").fill("loss")
    for part in ("x=tokens", "log=1", "smooth=0.9", "names=loss"):
        expect(compared).to_have_url(re.compile(part))
    expect(compared.locator("canvas")).to_have_count(2)
    compared.get_by_role("group", name="Zoom and marks of train/loss").focus()
    compared.keyboard.press("+")
    expect(compared).to_have_url(re.compile(r"from=\d+&to=\d+"))
    compared.reload()
    expect(compared.get_by_role("button", name="Show all")).to_be_visible()
    expect(compared.get_by_role("radio", name="Tokens")).to_be_checked()
    expect(compared.get_by_role("radio", name="Log")).to_be_checked()
    # Socket and history of three runs begin anew.
    expect(compared.get_by_role("img", name="train/loss: 3 runs")).to_be_visible(timeout=20_000)
    expect(compared.locator("canvas")).to_have_count(2)


@pytest.mark.timeout(120)
def test_the_crosshair_tells_the_value_of_every_run_largest_first(compared: Page, artefacts: Path) -> None:
    chart = compared.get_by_role("img", name="train/loss:")
    box = chart.bounding_box()
    assert box
    compared.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + box["height"] / 2)
    rows = compared.locator(".readings tr")
    expect(rows).to_have_count(3)
    values = [float(text) for text in compared.locator(".readings td:nth-child(3)").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    assert "rate-slow" in rows.first.inner_text(), "with so small a rate it learns least"
    compared.screenshot(path=artefacts / "compare-crosshair.png")
    compared.get_by_role("region", name="Compared runs").get_by_text("rate-usual").hover()
    compared.wait_for_timeout(400)
    compared.screenshot(path=artefacts / "compare-faded.png")


@pytest.mark.timeout(120)
def test_only_what_differs_is_listed_and_the_baseline_can_be_chosen(compared: Page, three: dict[str, str]) -> None:
    compared.get_by_role("tab", name="Configuration").click()
    table = compared.get_by_role("table")
    rate = table.get_by_role("row", name=re.compile("train.optimizer.lr"))
    expect(rate.get_by_role("cell")).to_have_text([re.compile("0.0001"), re.compile("0.003.* 30$"), re.compile("0.01.* 100$")])
    expect(table.get_by_role("row", name=re.compile("batch_size"))).to_have_count(0)
    expect(table.get_by_role("row", name="parameters")).to_have_count(0)
    compared.get_by_role("radio", name="baseline is rate-fast").check()
    expect(compared).to_have_url(re.compile(f"base={three['fast']}"))
    expect(rate.get_by_role("cell").first).to_have_text(re.compile("0.0001.* 0.01$"))
    compared.get_by_label("Show what is the same too").check()
    expect(table.get_by_role("row", name=re.compile("parameters"))).to_have_text(re.compile(r"\d"))
    compared.get_by_role("button", name="Take rate-slow out of the comparison").click()
    expect(table.get_by_role("columnheader")).to_have_count(2)


@pytest.mark.timeout(120)
def test_a_run_that_is_not_there_is_told_and_the_others_are_shown(profile: BrowserContext, three: dict[str, str]) -> None:
    with watched(profile, refused=True) as page:
        page.goto(f"/compare?runs=run_none,{three['usual']}")
        expect(page.get_by_role("alert")).to_contain_text("run_none")
        expect(page.get_by_role("img", name="train/loss:")).to_have_accessible_name(re.compile("points"))
        page.goto("/compare")
        expect(page.get_by_role("heading", name="Nothing to compare yet")).to_be_visible()


@pytest.mark.timeout(120)
def test_keys_lead_along_the_runs_and_tell_themselves(profile: BrowserContext, three: dict[str, str]) -> None:
    with watched(profile) as page:
        page.goto(f"/runs/{three['usual']}/config")
        page.get_by_role("heading", name="rate-usual").wait_for()
        page.keyboard.press("[")
        expect(page).to_have_url(re.compile(f"{three['fast']}/config"))
        page.get_by_role("heading", name="rate-fast").wait_for()
        page.keyboard.press("]")
        expect(page).to_have_url(re.compile(f"{three['usual']}/config"))
        page.get_by_role("heading", name="rate-usual").wait_for()
        page.get_by_role("tab", name="Charts").click()
        page.get_by_role("img", name="train/loss:").wait_for()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("log or linear axis")
        assert violations(page) == []
        page.keyboard.press("Escape")
        page.keyboard.press("l")
        expect(page).to_have_url(re.compile("log=1"))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("axis", ["tokens", "time", "flops"])
def test_marks_stand_on_every_axis(profile: BrowserContext, finished_run: str, axis: str) -> None:
    with watched(profile) as page:
        page.goto(f"/runs/{finished_run}/charts?x={axis}")
        chart = page.get_by_role("group", name="Zoom and marks of train/loss")
        page.get_by_role("img", name="train/loss:").wait_for()
        chart.focus()
        page.wait_for_load_state("networkidle")
        page.keyboard.press(".")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_contain_text("Checkpoint")
        expect(page.get_by_role("heading", name="Step 100")).to_be_visible()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("view", ["charts", "config"])
def test_how_it_looks(profile: BrowserContext, three: dict[str, str], artefacts: Path, view: str, theme: Theme) -> None:
    address = f"/compare?runs={','.join(three.values())}&view={view}&smooth=0.8"
    with watched(profile) as page:
        for width in at_widths(page, address, theme, WIDTHS):
            draw_all_charts(page)
            page.screenshot(path=artefacts / f"compare-{view}-{theme}-{width}.png", full_page=True)
            assert overhang(page) <= 0, f"at {width} px the page is wider than the window"
            assert violations(page) == []
        for width in at_widths(page, f"/runs?q=rate-&runs={three['slow']},{three['fast']}&hidden={three['slow']}", theme, WIDTHS):
            page.screenshot(path=artefacts / f"chosen-{theme}-{width}.png")
            assert violations(page) == []
