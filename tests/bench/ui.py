"""`./run bench-ui`: the dashboard in a real browser, on the whole stack: how soon it paints, what live points cost, what it keeps.

--minutes: of live points for the growth of the heap (10). --points: of the large chart (1,000,000). --short: half a minute
and 100,000, and no comparison of runs.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from groundup import Client
from playwright.sync_api import Browser, BrowserContext, Page

from tests.bench import compare, pages
from tests.bench.delays import Ear, delays_of
from tests.bench.figures import Figures
from tests.bench.steps import Teller, connect, held_run, wait_for_points
from tests.e2e.browser.chromium import chromium, signed_in
from tests.e2e.runs import spec
from tests.e2e.stack import ROOT, Stack, running_stack
from tests.servers import wait_until

LOADS = 5
COMPARED = 10
SMALL = 10
"""Steps of the real run that a bench goes on with."""
METRICS = (
    "train/loss",
    "train/grad_norm",
    "train/lr",
    "val/loss",
    "perf/step_ms",
    "perf/data_wait_ms",
    "perf/tokens_per_second",
    "perf/mfu",
)
PER_SECOND = 60
LOOK_SECONDS = 20
LONG_TASK_MS = 50
BEHIND_SECONDS = 2
SCREEN = {"width": 1920, "height": 1400}
"""All eight charts are in sight."""
ABOUT = """A real Chromium in front of the whole stack on one machine, embedded mode. First paints and charts: median of five loads with an
empty cache; their peers are the first paint of a page of one line, and the chart of a run with ten points. The first contentful
paint is the page's frame, which comes with the document; the rows are in the page once the script has asked for them. A live point:
one step with eight metrics, on eight charts, 60 steps a second, of a run that counts as running; its cost is the main thread's
time, less that of the idle page, per step. Its peer is Chart.js as its manual shows it: each point pushed and drawn when it comes.
Trainer to pixel: from the trainer's own time of a step to the frame that shows it, for a real run. Times are held to their ratio;
whether they keep their own limit is told. The runs of the comparison are copies of the long one in the history; its peer is the same
page with ten runs of ten points."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench-ui", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--short", action="store_true")
    asked = parser.parse_args()
    minutes, points = (0.5, 100_000) if asked.short else (asked.minutes, asked.points)
    figures = Figures("bench-ui", ABOUT)
    with tempfile.TemporaryDirectory(prefix="groundup-bench-") as folder, running_stack(Path(folder)) as stack, chromium() as browser:
        bench = Bench(figures, stack, browser, Path(folder))
        with signed_in(browser, stack) as profile:
            bench.paints(profile, points)
            if not asked.short:
                bench.comparison(profile, points)
            bench.live_points(profile, minutes)
            bench.trainer_to_pixel(profile)
    return figures.finish(f"a GPU{', the full length, runs beside each other' if asked.short else ''}", short=asked.short)


class Bench:
    def __init__(self, figures: Figures, stack: Stack, browser: Browser, folder: Path) -> None:
        self.figures, self.stack, self.browser = figures, stack, browser
        self.traces = ROOT / "build" / "bench-ui"
        self.traces.mkdir(parents=True, exist_ok=True)
        self.redis = connect(stack)
        with stack.client() as client:
            text = folder / "numbers.txt"
            text.write_text("".join(f"line {number}\n" for number in range(20_000)))
            client.datasets.push("numbers", [str(text)])
            self.many, self.few = (self._small_run(client, name) for name in ("many-points", "few-points"))

    def _small_run(self, client: Client, name: str) -> str:
        run = client.runs.submit(plan(name, SMALL))
        assert client.runs.wait(run.id, timeout=120).succeeded
        return run.id

    def paints(self, profile: BrowserContext, points: int) -> None:
        Teller(self.redis, self.many, ("train/loss",), SMALL).tell(points - SMALL)
        with self.stack.client() as client:
            wait_for_points(client, self.many, "train/loss", points)
        runs, rows, small, large, plain, zoom, size = [], [], [], [], [], [], 0
        for _ in range(LOADS):
            with self._page(profile) as page:
                page.goto("data:text/html,<p>one line</p>")
                plain.append(pages.first_paint(page))
            with self._page(profile) as page:
                page.goto("/runs")
                rows.append(pages.present(page, f"a[href^='/runs/{self.many}']"))
                runs.append(pages.first_paint(page))
                size = pages.initial_script_bytes(page)
            with self._page(profile) as page:
                page.goto(f"/runs/{self.few}/charts")
                small.append(pages.drawn(page, "train/loss", from_x=SMALL))
            with self._page(profile) as page:
                page.goto(f"/runs/{self.many}/charts")
                large.append(pages.drawn(page, "train/loss", from_x=0.99 * points))
                zoom.append(zoomed(page))
        median = statistics.median
        one_line = median(plain)
        self.figures.tell("Runs, first contentful paint", median(runs), "s", most=1, peer=one_line, ratio=5, timed=True)
        self.figures.tell("Runs, first rows in the page", median(rows), "s", most=1, peer=one_line, ratio=20, timed=True)
        self.figures.tell(f"chart of {points:,} points, drawn", median(large), "s", most=1.5, peer=median(small), ratio=2, timed=True)
        self.figures.tell("zoom into it, drawn anew", median(zoom), "s", most=0.3, peer=median(small), ratio=1, timed=True)
        self.figures.tell("initial JavaScript", size / 1000, "kB", most=300)

    def comparison(self, profile: BrowserContext, points: int) -> None:
        """Of ten runs that are as long as the long one, against ten of ten points."""
        with self.stack.client() as client:
            others = [self._small_run(client, f"beside-{number}") for number in range(1, COMPARED)]
        runs = [self.many, *others]
        small = statistics.median(self._first_charts(profile, [self.few, *others], SMALL)[0])
        compare.copy_history(self.stack.data_dir, self.many, others)
        first, zooms = self._first_charts(profile, runs, points)
        with self._page(profile) as page:
            compare.first_chart(page, runs, points)
            task = compare.longest_task(self.browser, page, self.traces / "compare.json", COMPARED)
        about = f"{COMPARED} runs of {points:,} points"
        self.figures.tell(f"{about} on one chart, drawn", statistics.median(first), "s", most=1, peer=small, ratio=2, timed=True)
        self.figures.tell("zoom into them, drawn anew", statistics.median(zooms), "s", most=0.3, peer=small, ratio=1, timed=True)
        self.figures.tell("longest task of that zoom and back", task, "ms", most=LONG_TASK_MS, peer=1000 * small, ratio=0.1, timed=True)

    def _first_charts(self, profile: BrowserContext, runs: list[str], points: int) -> tuple[list[float], list[float]]:
        """Seconds to the first chart and, of long runs, for a zoom, of each load with an empty cache."""
        first, zooms = [], []
        for _ in range(LOADS):
            with self._page(profile) as page:
                first.append(compare.first_chart(page, runs, points))
                if points > SMALL:
                    zooms.append(compare.zoom(page, len(runs)))
        return first, zooms

    def live_points(self, profile: BrowserContext, minutes: float) -> None:
        with self.stack.client() as client, held_run(self.stack, client, plan("live-points", 1_000_000)) as (run_id, last):
            teller = Teller(self.redis, run_id, METRICS, last)
            teller.tell(2000)
            wait_for_points(client, run_id, "perf/mfu", 2000)
            with self._page(profile, watched=False) as page:
                page.goto(f"/runs/{run_id}/charts")
                page.get_by_role("img", name="perf/mfu:").wait_for()
                page.wait_for_timeout(3000)
                busy, idle, tasks, growth = self._watch(page, teller, minutes)
        per_point = 1000 * (busy - idle) / PER_SECOND
        peer = self._naive_cost(profile)
        self.figures.tell("a live point, main thread", per_point, "ms", most=4, peer=peer, ratio=0.5, timed=True)
        self.figures.tell("main thread busy with 60 of them a second", 100 * busy, "%")
        self.figures.tell(f"tasks over 50 ms in {LOOK_SECONDS} s", sum(task > LONG_TASK_MS for task in tasks), "")
        self.figures.tell("longest task", max(tasks), "ms")
        self.figures.tell(f"growth of the heap in {minutes:g} min", growth, "MB", most=20)

    def _watch(self, page: Page, teller: Teller, minutes: float) -> tuple[float, float, list[float], float]:
        """Shares of the main thread with and without points, its tasks in milliseconds, and the growth of its heap in MB."""
        thread = pages.MainThread(page)
        idle = thread.busy(5, page)
        with teller.live(PER_SECOND):
            page.wait_for_timeout(3000)
            busy = thread.busy(LOOK_SECONDS, page)
            with pages.traced(self.browser, page, self.traces / "live-points.json") as tasks:
                page.wait_for_timeout(LOOK_SECONDS * 1000)
            before = thread.heap()
            page.wait_for_timeout(minutes * 60_000)
            growth = thread.heap() - before
            behind = teller.step - pages.last_step(page, "train/loss")
        if behind > BEHIND_SECONDS * PER_SECOND:
            raise RuntimeError(f"the page is {behind} steps behind: what was measured is not {PER_SECOND} points a second")
        return busy, idle, tasks, growth

    def _naive_cost(self, profile: BrowserContext) -> float:
        """Milliseconds of the main thread per point of a page with as many charts and points, written as the manual does."""
        with self._page(profile) as page:
            page.set_content("<body></body>")
            page.add_script_tag(path=ROOT / "frontend" / "node_modules" / "chart.js" / "dist" / "chart.umd.min.js")
            page.evaluate(pages.NAIVE, [len(METRICS), 2000])
            thread = pages.MainThread(page)
            idle = thread.busy(2, page)
            # As fast as it can: it may not keep up with 60 a second.
            page.evaluate("window.points = 0; (function next() { add(); points += 1; setTimeout(next); })()")
            before = page.evaluate("points")
            busy = thread.busy(10, page)
            told = page.evaluate("points") - before
            return 1000 * 10 * (busy - idle) / float(told)

    def trainer_to_pixel(self, profile: BrowserContext) -> None:
        """A real run, one process, a step every few hundredths of a second."""
        with self.stack.client() as client:
            run_id = client.runs.submit(plan("pixels", 100_000)).id
            with Ear(self.stack, client, run_id) as ear, self._page(profile) as page:
                page.goto(f"/runs/{run_id}/charts")
                wait_until(lambda: client.runs.get(run_id).progress.step > 50, "the first steps", 90)
                page.evaluate("drawn.length = 0")
                page.wait_for_timeout(LOOK_SECONDS * 1000)
                shown = page.evaluate(
                    "drawn.filter((one) => one.name === 'train/loss').map((one) => [one.last, performance.timeOrigin + one.shown])"
                )
            client.runs.kill(run_id)
        delays = delays_of(ear.told, shown)
        self.figures.tell(f"trainer to pixel, p50 of {len(delays)} steps", 1000 * statistics.median(delays), "ms")
        self.figures.tell("trainer to pixel, p95", 1000 * statistics.quantiles(delays, n=20)[-1], "ms")

    def _page(self, profile: BrowserContext, *, watched: bool = True) -> Page:
        """With an empty cache. Watching asks for frames of its own, so what is drawn is not watched while its cost is measured."""
        page = profile.new_page()
        page.set_viewport_size(SCREEN)  # type: ignore[arg-type]
        if watched:
            page.add_init_script(pages.WATCH)
        profile.new_cdp_session(page).send("Network.clearBrowserCache")
        return page


def plan(name: str, steps: int) -> dict[str, Any]:
    return {**spec(name, "numbers", "byte", steps=steps, checkpoint={"every": steps}), "compute": {"processes_per_node": 1}}


def zoomed(page: Page) -> float:
    """Seconds from the end of a drag over the middle of the chart to the curve that came for it."""
    box = page.get_by_role("img", name="train/loss:").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.4 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=3)
    with page.expect_response("**/metrics?**from=**"):
        began = float(page.evaluate("performance.now()"))
        page.mouse.up()
    arrived = float(page.evaluate("performance.getEntriesByType('resource').at(-1).responseEnd"))
    return pages.drawn(page, "train/loss", after_ms=arrived) + (arrived - began) / 1000


if __name__ == "__main__":
    sys.exit(main())
