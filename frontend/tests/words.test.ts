import { expect, test } from "vitest";
import { parseQuery } from "@/features/runs/query";
import { bytes, measure, percent, plural, short } from "@/shared/format/numbers";
import { ago, duration } from "@/shared/format/time";
import { backoff, statusText } from "@/shared/live/status";
import { path, withQuery } from "@/shared/api/client";

test("numbers", () => {
  expect([short(1_234_567), short(999), short(null), short(7.9e12)]).toEqual(["1.23 M", "999", "–", "7.90 T"]);
  expect([0, 999, 1500, 999_499, 999_501, 3e9, 12_345_678].map(bytes)).toEqual(["0 B", "999 B", "1.50 kB", "999 kB", "1.00 MB", "3.00 GB", "12.3 MB"]);
  expect([measure(1.23456), measure(NaN), measure(-Infinity), measure(1e-5), measure(0)]).toEqual(["1.235", "NaN", "−∞", "1.00e-5", "0.000"]);
  expect([percent(0), percent(0.051), percent(0.999), percent(2)]).toEqual(["0 %", "5.1 %", "99 %", "100 %"]);
  expect([plural(1, "file"), plural(2000, "file")]).toEqual(["1 file", "2,000 files"]);
});

test("times", () => {
  expect([0.25, 0, 59, 61, 3725, 90_000].map(duration)).toEqual(["250 ms", "0 s", "59 s", "1 min 1 s", "1 h 2 min", "1 d 1 h"]);
  const now = Date.parse("2026-01-01T00:01:00Z");
  expect([ago("2026-01-01T00:00:00Z", now), ago("2026-01-01T00:01:00Z", now), ago(null, now)]).toEqual(["1 min ago", "just now", "–"]);
});

test("the query box", () => {
  expect(parseQuery("state:running  shake speare project:books")).toEqual({
    filter: { state: "running", project: "books", q: "shake speare" },
    complaint: null,
  });
  expect(parseQuery("state:gone").complaint).toContain("gone");
  expect(parseQuery("owner:me").complaint).toContain("owner:");
});

test("the connection in words", () => {
  expect(statusText({ phase: "live", latencyMs: 41.7 })).toBe("live · 42 ms");
  expect(statusText({ phase: "replaying", replayed: 1234 })).toBe("replaying 1,234 points");
});

test("waiting doubles up to a limit, and is never the same for all", () => {
  expect(backoff(1, () => 1)).toBe(600);
  expect(backoff(3, () => 1)).toBe(2100);
  expect(backoff(50, () => 1)).toBe(5100);
  expect(backoff(50, () => 0)).toBe(100);
});

test("addresses are written safely", () => {
  expect(path`/api/v1/runs/${"a/b"}/metrics`).toBe("/api/v1/runs/a%2Fb/metrics");
  expect(withQuery("/x", { a: 1, b: null, c: "", d: "é" })).toBe("/x?a=1&d=%C3%A9");
});
