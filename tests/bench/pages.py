"""What the browser itself says of a page: paints, the product's own marks, main-thread time, long tasks, heap."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, CDPSession, Page

CATEGORIES: Final = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline", "blink.user_timing"]
WATCH: Final = """
window.drawn = [];
new PerformanceObserver((list) => {
  for (const { name, startTime, detail } of list.getEntries()) {
    if (name === "groundup:curve-drawn") requestAnimationFrame(() => drawn.push({ ...detail, at: startTime, shown: performance.now() }));
  }
}).observe({ entryTypes: ["mark"] });
"""
"""Gathers what the charts say of themselves. `at`: drawn, `shown`: in a frame; milliseconds since the page's start."""
NAIVE: Final = """
([charts, points]) => {
  document.body.style = "display: grid; grid-template-columns: repeat(3, 1fr); gap: 12px";
  window.naive = Array.from({ length: charts }, () => {
    const frame = document.body.appendChild(document.createElement("div"));
    frame.style = "position: relative; height: 240px";
    const data = Array.from({ length: points }, (_, x) => ({ x, y: Math.sin(x) }));
    const options = { animation: false, responsive: true, maintainAspectRatio: false, scales: { x: { type: "linear" } } };
    return new Chart(frame.appendChild(document.createElement("canvas")), { type: "line", data: { datasets: [{ data }] }, options });
  });
  window.add = () => {
    for (const chart of naive) {
      const { data } = chart.data.datasets[0];
      data.push({ x: data.length, y: Math.sin(data.length) });
      chart.update("none");
    }
  };
}
"""
"""Charts as the manual of Chart.js shows them: each point is pushed and drawn when it comes."""


def first_paint(page: Page) -> float:
    """First contentful paint, in seconds since the navigation began."""
    script = """() => new Promise((done) => new PerformanceObserver((list) => {
      const found = list.getEntriesByName("first-contentful-paint")[0];
      if (found) done(found.startTime);
    }).observe({ type: "paint", buffered: true }))"""
    return float(page.evaluate(script)) / 1000


def present(page: Page, selector: str) -> float:
    """When an element was first there, looked for in every frame, in seconds since the navigation began."""
    found = page.wait_for_function(f"() => document.querySelector({json.dumps(selector)}) ? performance.now() : 0")
    return float(found.json_value()) / 1000


def drawn(page: Page, name: str, *, from_x: float = 0, after_ms: float = 0, seconds: float = 30) -> float:
    """When the curve was first shown up to `from_x`, in seconds since the navigation began (or since `after_ms`)."""
    found = f"drawn.find((one) => one.name === {json.dumps(name)} && one.last >= {from_x} && one.at > {after_ms})"
    page.wait_for_function(f"() => {found}", timeout=seconds * 1000)
    return (float(page.evaluate(f"{found}.shown")) - after_ms) / 1000


def last_step(page: Page, name: str) -> int:
    """Of a chart's curve, as it is described to people who do not see it."""
    found = re.search(r"at step ([\d,]+)", page.get_by_role("img", name=f"{name}:").get_attribute("aria-label") or "")
    return int(found[1].replace(",", "")) if found else 0


def initial_script_bytes(page: Page) -> int:
    """JavaScript as it came over the wire until now."""
    scripts = "performance.getEntriesByType('resource').filter((one) => one.name.endsWith('.js'))"
    return int(page.evaluate(f"{scripts}.reduce((sum, one) => sum + one.encodedBodySize, 0)"))


class MainThread:
    def __init__(self, page: Page) -> None:
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.session.send("Performance.enable")

    def busy(self, seconds: float, page: Page) -> float:
        """Seconds of the main thread's time per second of the clock."""
        before, since = self._figure("TaskDuration"), self._figure("Timestamp")
        page.wait_for_timeout(seconds * 1000)
        return (self._figure("TaskDuration") - before) / (self._figure("Timestamp") - since)

    def heap(self) -> float:
        """MB in use after a garbage collection."""
        self.session.send("HeapProfiler.collectGarbage")
        return self._figure("JSHeapUsedSize") / 1e6

    def _figure(self, name: str) -> float:
        metrics: list[dict[str, Any]] = self.session.send("Performance.getMetrics")["metrics"]
        return next(float(one["value"]) for one in metrics if one["name"] == name)


@contextlib.contextmanager
def traced(browser: Browser, page: Page, path: Path) -> Iterator[list[float]]:
    """Fills the list with the tasks of the page's main thread during the block, in milliseconds; the trace itself is kept."""
    found: list[float] = []
    browser.start_tracing(page=page, path=path, categories=CATEGORIES)
    try:
        yield found
    finally:
        events = json.loads(browser.stop_tracing())["traceEvents"]
        main = {(one["pid"], one["tid"]) for one in events if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"}
        drawing = {(one["pid"], one["tid"]) for one in events if one["name"] == "groundup:curve-drawn"}
        tasks = [one for one in events if one["name"] == "RunTask" and "dur" in one]
        found += [one["dur"] / 1000 for one in tasks if (one["pid"], one["tid"]) in (main & drawing or main)]
