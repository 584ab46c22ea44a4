"""What hands do with the dashboard, letter by letter, by keys and by fingers."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.browser.conftest import watched

SHORT_LOG = ".log-lines { height: 20px !important; padding: 0 !important }"


@pytest.fixture
def charts(profile: BrowserContext, finished_run: str) -> Iterator[Page]:
    with watched(profile) as page:
        page.goto(f"/runs/{finished_run}/charts")
        expect(page.get_by_role("img", name="train/loss:")).to_be_visible()
        yield page


@pytest.mark.timeout(60)
def test_decimals_are_typed_letter_by_letter(profile: BrowserContext) -> None:
    with watched(profile) as page:
        page.goto("/runs/new")
        page.get_by_role("button", name="Start over").click()
        rate = page.get_by_label("Learning rate", exact=True)
        rate.press_sequentially("0.0003")
        expect(rate).to_have_value("0.0003")
        page.get_by_role("tab", name="YAML").click()
        expect(page.get_by_label("Run spec")).to_have_value(re.compile("lr: 0.0003"))
        page.get_by_role("tab", name="Form").click()
        expect(rate).to_have_value("0.0003")
        page.get_by_role("button", name="Start over").click()
        expect(rate).to_have_value("")


@pytest.mark.timeout(60)
def test_two_tabs_keep_their_own_drafts(profile: BrowserContext) -> None:
    with watched(profile) as one, watched(profile) as two:
        for page, name in ((one, "of-the-first"), (two, "of-the-second")):
            page.goto("/runs/new")
            page.get_by_label("Name", exact=True).fill(name)
        for page, name in ((one, "of-the-first"), (two, "of-the-second")):
            page.reload()
            expect(page.get_by_label("Name", exact=True)).to_have_value(name)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("address", "label", "parameter"), [("/runs", "Find runs", "q"), ("/runs/{run}/logs", "Find in the logs", "q")])
def test_a_search_keeps_every_letter_and_the_caret(
    profile: BrowserContext, finished_run: str, address: str, label: str, parameter: str
) -> None:
    with watched(profile) as page:
        page.goto(address.format(run=finished_run))
        box = page.get_by_label(label)
        box.press_sequentially("finshed run of a long name")
        for _ in range(len("shed run of a long name")):
            box.press("ArrowLeft")
        box.press_sequentially("i", delay=300)
        box.press_sequentially("i")
        box.press("Backspace")
        expect(box).to_have_value("finished run of a long name")
        expect(page).to_have_url(re.compile(rf"\?{parameter}=finished\+run\+of\+a\+long\+name$"))
        expect(box).to_have_value("finished run of a long name")


@pytest.mark.timeout(60)
def test_a_chart_is_zoomed_by_keys(charts: Page) -> None:
    charts.get_by_role("group", name="Zoom of train/loss").focus()
    charts.keyboard.press("+")
    expect(charts).to_have_url(re.compile(r"from=\d+&to=\d+"))
    before = charts.url
    charts.keyboard.press("ArrowRight")
    expect(charts).not_to_have_url(before)
    charts.keyboard.press("0")
    expect(charts).not_to_have_url(re.compile("from="))


@pytest.mark.timeout(60)
def test_turns_of_the_wheel_add_up_and_are_asked_for_once(charts: Page) -> None:
    asked: list[str] = []
    charts.on("request", lambda request: asked.append(request.url) if "/metrics?" in request.url and "from=" in request.url else None)
    charts.get_by_role("img", name="train/loss:").hover()
    charts.keyboard.down("Control")
    for _ in range(8):
        charts.mouse.wheel(0, -100)
    charts.keyboard.up("Control")
    expect(charts).to_have_url(re.compile(r"from=\d+&to=\d+"))
    charts.wait_for_load_state("networkidle")
    assert 1 <= len(asked) <= 2, asked
    first, last = zoom_of(charts)
    assert last - first == pytest.approx(300 * 0.8**8, abs=8), "eight turns, none lost"


@pytest.mark.timeout(60)
def test_a_chart_is_pinched(charts: Page) -> None:
    box = charts.get_by_role("img", name="train/loss:").bounding_box()
    assert box
    middle, height = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers = charts.context.new_cdp_session(charts)

    def touch(kind: str, *apart: float) -> None:
        points = [{"x": middle + side * by, "y": height, "id": place} for by in apart for place, side in enumerate((-1, 1))]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 30)
    for apart in (40, 60, 90):
        touch("touchMove", apart)
    touch("touchEnd")
    expect(charts).to_have_url(re.compile(r"from=\d+&to=\d+"))
    first, last = zoom_of(charts)
    assert last - first == pytest.approx(100, abs=15), "three times as wide apart, a third in sight"


@pytest.mark.timeout(60)
def test_scrolling_back_by_keys_ends_following(profile: BrowserContext, finished_run: str) -> None:
    with watched(profile) as page:
        page.goto(f"/runs/{finished_run}/logs")
        page.add_style_tag(content=SHORT_LOG)
        page.get_by_role("button", name="Follow", exact=True).click()
        lines = page.get_by_role("log")
        page.wait_for_function("(box) => box.scrollTop > 0", arg=lines.element_handle())
        expect(page.get_by_role("button", name="Following")).to_be_visible()
        lines.focus()
        page.keyboard.press("Home")
        expect(page.get_by_role("button", name="Follow", exact=True)).to_have_attribute("aria-pressed", "false")


def zoom_of(page: Page) -> tuple[int, int]:
    found = re.search(r"from=(\d+)&to=(\d+)", page.url)
    assert found, page.url
    return int(found[1]), int(found[2])
