"""Ten runs of many points on the same charts: how soon they are drawn, what a zoom costs, and the tasks that it takes."""

import contextlib
import sqlite3
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.bench import pages

METRIC = "train/loss"


_CHUNK = "name, attempt, first_step, last_step, first_tokens, last_tokens, first_at, last_at, count, sealed, data"


def copy_history(data_dir: Path, source: str, targets: list[str]) -> None:
    """The metric history of one run becomes that of others too, in place of their own: telling a million points ten times would take
    long."""
    with contextlib.closing(sqlite3.connect(data_dir / "monitor.db", timeout=60)) as database, database:
        chunks = [chunk for (chunk,) in database.execute("SELECT id FROM metric_chunks WHERE run_id = ? ORDER BY id", (source,))]
        for target in targets:
            for table in ("metric_chunks", "metric_rollups"):
                database.execute(f"DELETE FROM {table} WHERE run_id = ?", (target,))
            for chunk in chunks:
                copied = f"INSERT INTO metric_chunks (run_id, {_CHUNK}) SELECT ?, {_CHUNK} FROM metric_chunks WHERE id = ?"
                place = database.execute(copied, (target, chunk)).lastrowid
                rolled = "SELECT ?, size, ?, data FROM metric_rollups WHERE chunk_id = ?"
                database.execute(f"INSERT INTO metric_rollups (chunk_id, size, run_id, data) {rolled}", (place, target, chunk))


def first_chart(page: Page, runs: list[str], points: int) -> float:
    """Seconds from the navigation to the frame that shows all the runs' curves, up to their ends."""
    page.goto(f"/compare?runs={','.join(runs)}")
    return _drawn(page, len(runs), from_x=0.99 * points)


def zoom(page: Page, runs: int) -> float:
    """Seconds from the end of a drag over the middle of the chart to the frame that shows what came for it of every run."""
    box = page.get_by_role("img", name=f"{METRIC}:").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.4 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=3)
    page.evaluate("() => performance.clearResourceTimings()")
    began = float(page.evaluate("performance.now()"))
    page.mouse.up()
    answers = "performance.getEntriesByType('resource').filter((one) => one.name.includes('/metrics?') && one.name.includes('from='))"
    page.wait_for_function(f"(runs) => {answers}.length >= runs", arg=runs)
    arrived = float(page.evaluate(f"Math.max(...{answers}.map((one) => one.responseEnd))"))
    return _drawn(page, runs, after_ms=arrived) + (arrived - began) / 1000


def longest_task(browser: Browser, page: Page, trace: Path, runs: int) -> float:
    """Milliseconds of the main thread's longest task while the charts are zoomed, and shown whole again."""
    with pages.traced(browser, page, trace) as tasks:
        zoom(page, runs)
        page.get_by_role("button", name="Show all").click()
        page.wait_for_timeout(1500)
    return max(tasks)


def _drawn(page: Page, lines: int, *, from_x: float = 0, after_ms: float = 0) -> float:
    found = f"drawn.find((one) => one.name === '{METRIC}' && one.lines >= {lines} && one.last >= {from_x} && one.at > {after_ms})"
    page.wait_for_function(f"() => {found}", timeout=60_000)
    return (float(page.evaluate(f"{found}.shown")) - after_ms) / 1000
