import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { LogStatus } from "@/features/logs/LogToolbar";
import type { Log } from "@/features/logs/useLog";
import type { LogWindow } from "@/features/logs/logWindow";

/** What is read aloud, and all that is there to see. */
function told(listed: boolean, data: Partial<LogWindow> | undefined): [aloud: string, seen: string] {
  const idle = { data: undefined, isPending: false };
  const window = data && { lines: Array.from({ length: 3 }, () => ({})), older: null, more: false, next: 3, ...data };
  const log = { query: { data: window, isPlaceholderData: false }, newer: idle, hit: idle, firstError: idle, listed } as unknown as Log;
  const html = renderToStaticMarkup(<LogStatus log={log} />);
  return [/role="status">(.*?)<\/span>/.exec(html)?.[1] ?? "", html.replaceAll(/<[^>]*>/g, "")];
}

test("how many lines there are is seen and not read aloud", () => {
  expect(told(false, {})).toEqual(["", "3 lines loaded"]);
});

test("what a search has found is read aloud", () => {
  expect(told(true, {})[0]).toBe("3 hits");
  expect(told(true, { more: true, next: 1000 })[0]).toBe("3 hits up to line 1,000");
  expect(told(true, undefined)[0]).toBe("Searching…");
});
