import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { signedOut } from "@/app/session";
import { signOut } from "@/app/signOut";
import { Uploader, currentUpload } from "@/features/datasets/Uploader";
import { typedText } from "@/shared/kept";
import { live } from "@/shared/live/connection";

let client: QueryClient;

beforeEach(() => {
  client = new QueryClient();
  client.setQueryData(["me"], { name: "ada" });
  typedText.write("playground", "a prompt");
  currentUpload.set(new Uploader("novels", []));
  signedOut.set(false);
});

afterEach(() => vi.unstubAllGlobals());

function left() {
  return [signedOut.get(), client.getQueryData(["me"]), typedText.read("playground"), currentUpload.get()?.dataset];
}

test.each([204, 401])("after the server's %i nothing of the session is left", async (status) => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(null, { status })));
  await signOut(client);
  expect(left()).toEqual([true, undefined, null, undefined]);
  expect(live.status.get().phase).toBe("stopped");
});

test("where the server cannot be told, the session goes on and it is said", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(signOut(client)).rejects.toThrow("the server does not answer");
  expect(left()).toEqual([false, { name: "ada" }, "a prompt", "novels"]);
});

test("a server that refuses is believed", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(null, { status: 503 })));
  await expect(signOut(client)).rejects.toThrow("503");
  expect(left()).toEqual([false, { name: "ada" }, "a prompt", "novels"]);
});
