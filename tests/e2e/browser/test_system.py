"""What the hosts do, as the dashboard shows it: live on the Cluster page, over time on a run's System tab."""

import contextlib
import itertools
import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from shared import bus
from shared.cluster_events import HostSampled
from shared.events import Record
from tests.e2e.browser.conftest import watched
from tests.e2e.browser.test_pages import Theme, at_widths, look_at, overhang, violations
from tests.e2e.stack import Stack
from tests.servers import wait_until

GPU_BOX = "gpu-box"
GB = 1e9


def card(page: Page, worker: str) -> Locator:
    return page.get_by_role("list", name="Workers").get_by_role("listitem").filter(has=page.get_by_role("heading", name=worker, exact=True))


def processor(page: Page, worker: str) -> Locator:
    return card(page, worker).locator(".meters > div", has_text="Processor").locator(".meter-text")


def test_the_cluster_page_shows_what_a_host_does_now(profile: BrowserContext, stack: Stack) -> None:
    with watched(profile) as page:
        page.goto("/cluster")
        expect(processor(page, "e2e")).to_have_text(re.compile(r"\d+ %"))
        before = processor(page, "e2e").inner_text()
        busy_until = time.monotonic() + 3
        while time.monotonic() < busy_until:  # so that there is something to see
            sum(range(10_000))
        wait_until(lambda: processor(page, "e2e").inner_text() != before, "another number")
        expect(card(page, "e2e").locator(".meters > div", has_text="Memory")).to_contain_text(re.compile(r"[\d.]+ GB of [\d.]+ GB"))


def test_an_agent_that_is_stopped_killed_and_back(profile: BrowserContext, stack: Stack) -> None:
    with watched(profile) as page:
        page.goto("/cluster")
        expect(processor(page, "e2e")).to_have_text(re.compile(r"\d+ %"))
        began = time.time()
        agent = stack.oldest("services.trainer.main_agent")
        agent.send_signal(signal.SIGSTOP)
        expect(card(page, "e2e")).to_contain_text(re.compile(r"last readings 1\d s ago"), timeout=30_000)
        agent.kill()
        expect(card(page, "e2e")).not_to_contain_text("last readings", timeout=60_000)
        back = time.time()
        wait_until(lambda: len(seconds(page, began, time.time())) > len(seconds(page, began, back)) + 3, "more seconds")
        found = seconds(page, began, time.time())
        assert all(count == 1 for count in found.values()), "no second is doubled"
        expect(processor(page, "e2e")).to_have_text(re.compile(r"\d+ %"))


def seconds(page: Page, first: float, last: float) -> dict[int, int]:
    """How many points each second has, by the API."""
    address = f"/api/v1/workers/e2e/metrics?names=system/cpu.utilization&from={first}&to={last}&buckets=5000"
    (series,) = page.request.get(address).json()["series"] or [{"x": [], "count": []}]
    return dict(zip(map(int, series["x"]), series["count"], strict=True))


@pytest.mark.timeout(300)
def test_the_system_tab_shows_a_runs_hosts(profile: BrowserContext, finished_run: str) -> None:
    with watched(profile) as page:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"/runs/{finished_run}/system")
        host = page.get_by_role("region", name="Host of e2e")
        for title in ("Processor", "Memory", "Network", "Disk traffic", "Disk space"):
            expect(host.get_by_role("img", name=re.compile(f"^{title} of e2e: .* [1-9][0-9]* points"))).to_have_count(1)
        chart = host.get_by_role("group", name=re.compile("^Processor of e2e"))
        chart.focus()
        page.keyboard.press("ArrowLeft")
        expect(host.locator(".host-chart-time").first, "the crosshair tells its second, on all charts").to_have_text(re.compile(r"\d:\d\d"))
        expect(host.locator(".host-chart-time").last).to_have_text(re.compile(r"\d:\d\d"))
        place = chart.bounding_box()
        assert place
        page.mouse.move(place["x"] + 120, place["y"] + 60)
        page.mouse.down()
        page.mouse.move(place["x"] + 240, place["y"] + 60, steps=4)
        page.mouse.up()
        expect(page).to_have_url(re.compile(r"from=\d+&to=\d+"))
        page.reload()
        page.get_by_role("button", name="Show all").click()
        expect(page).not_to_have_url(re.compile("from="))


@contextlib.contextmanager
def gpu_box(stack: Stack, context: BrowserContext, **more: float) -> Iterator[None]:
    """A worker with two GPUs that the api seems to know, whose readings really go through Redis, monitor and socket."""

    def with_box(route: Route) -> None:
        answer = route.fetch()
        page: dict[str, Any] = answer.json()
        slots = [
            {"id": f"GPU-{index}", "device": "cuda", "name": "NVIDIA H100 80GB HBM3", "attempt_id": None, "run_id": None}
            for index in (0, 1)
        ]
        like = {**page["items"][0], "name": GPU_BOX, "host": "gpu-box.example", "slots": slots}
        route.fulfill(response=answer, body=json.dumps({**page, "items": [*page["items"], like]}))

    stop = Event()
    thread = Thread(target=publish_readings, args=(stack, more, stop), daemon=True)
    context.route(re.compile(r"/api/v1/workers\?"), with_box)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        context.unroute(re.compile(r"/api/v1/workers\?"))


def publish_readings(stack: Stack, more: dict[str, float], stop: Event) -> None:
    port, password = int(stack.url.rsplit(":", 1)[1]) + 4, (stack.data_dir / "secrets" / "redis").read_text()
    with bus.connect(f"redis://:{password}@127.0.0.1:{port}/0") as client:
        for number in itertools.count(1):
            gpus = {f"gpu.{index}.{name}": value for index in (0, 1) for name, value in gpu(number + 5 * index).items()}
            metrics = {**gpus, "cpu.utilization": 20.0 + number % 7, "memory.used_bytes": 80 * GB, "memory.total_bytes": 512 * GB, **more}
            named = {f"system/{name.replace('__', '.')}": value for name, value in metrics.items()}
            event = HostSampled(worker=GPU_BOX, metrics=named, gpus=["GPU-0", "GPU-1"])
            producer = f"sampler-{id(stop)}"
            record = Record(run_id=f"worker.{GPU_BOX}", producer=producer, producer_seq=number, at=time.time(), event=event)
            bus.publish(client, [record])
            if stop.wait(1):
                return


def gpu(number: int) -> dict[str, float]:
    return {
        "utilization": 90.0 + number % 10,
        "memory_bytes": 71 * GB,
        "memory_total_bytes": 85 * GB,
        "temperature_celsius": 60.0 + number % 4,
        "power_watts": 640.0 + number % 30,
        "power_limit_watts": 700.0,
        "ecc_uncorrected": 0.0,
        "throttled_by_heat": 0.0,
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_gpu_box_in_trouble(profile: BrowserContext, stack: Stack, artefacts: Path, theme: Theme) -> None:
    trouble = {
        "gpu__1__ecc_uncorrected": 2.0,
        "gpu__0__throttled_by_heat": 1.0,
        "disk__free_bytes": 40 * GB,
        "disk__total_bytes": 1000 * GB,
    }
    with gpu_box(stack, profile, **trouble), watched(profile) as page:
        for width in at_widths(page, "/cluster", theme, (390, 1280, 2560)):
            box = card(page, GPU_BOX)
            box.scroll_into_view_if_needed()
            expect(box.get_by_role("list", name="GPUs").get_by_role("listitem")).to_have_count(2)
            expect(box.get_by_role("list", name="GPUs")).to_contain_text("71.0 GB of 85.0 GB")
            expect(box.get_by_role("list", name="Warnings")).to_contain_text("GPU 1: 2 memory errors")
            expect(box.get_by_role("list", name="Warnings")).to_contain_text("little disk left: 40.0 GB of 1.00 TB")
            expect(box.get_by_role("list", name="Warnings")).to_contain_text("GPU 0 is slowed down by heat")
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=artefacts / f"cluster-gpus-{theme}-{width}.png", full_page=True)
            assert overhang(page) <= 0, f"at {width} px the page is wider than the window"
            assert violations(page) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_cluster_page(profile: BrowserContext, stack: Stack, artefacts: Path, theme: Theme) -> None:
    look_at(profile, "/cluster", artefacts / f"cluster-system-{theme}", theme)
