"""Ten runs of many points on the same charts: how soon they are drawn, what a zoom costs, and the tasks that it takes."""

import contextlib
import sqlite3
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.bench import pages

METRIC = "train/loss"


def copy_history(data_dir: Path, source: str, targets: list[str]) -> None:
    """The metric history of one run becomes that of others too, in place of their own: telling a million points ten times would take
    long. Row by row as they are, in each table of the monitor's that has them by run."""
    with contextlib.closing(sqlite3.connect(data_dir / "monitor.db", timeout=60)) as database, database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'metric%'")]
        for table in tables:
            names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            if "run_id" not in names:
                continue
            copied = ", ".join(name for name in names if name not in ("id", "run_id"))
            for target in targets:
                database.execute(f"DELETE FROM {table} WHERE run_id = ?", (target,))
                database.execute(
                    f"INSERT INTO {table} (run_id, {copied}) SELECT ?, {copied} FROM {table} WHERE run_id = ?",
                    (target, source),
                )


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
