import { afterEach, expect, test, vi } from "vitest";
import { requestOf, DEFAULTS } from "@/features/playground/settings";
import { generate, serverSent } from "@/features/playground/stream";

function stream(...chunks: Uint8Array<ArrayBuffer>[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

afterEach(() => vi.unstubAllGlobals());

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of source) found.push(item);
  return found;
}

test.each([1, 2, 3, 7, 1000])("events are read whole from pieces of %i bytes", async (size) => {
  const bytes = new TextEncoder().encode('data: {"text":"é✓"}\n\n: comment\n\ndata: two\ndata: lines\r\n\r\ndata: last\n\n');
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.slice(index * size, (index + 1) * size));
  expect(await all(serverSent(stream(...chunks)))).toEqual(['{"text":"é✓"}', "two\nlines", "last"]);
});

test("an event that breaks off is not handed out", async () => {
  expect(await all(serverSent(stream(new TextEncoder().encode("data: one\n\ndata: tw"))))).toEqual(["one"]);
});

/** The kinds of the replies to a generation whose answer is this. */
async function generated(body: ReadableStream | string): Promise<string[]> {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body)));
  return (await all(generate({}, new AbortController().signal))).map(({ kind }) => kind);
}

test("a generation goes up to its end", async () => {
  expect(await generated('data: {"kind":"token"}\n\ndata: {"kind":"end"}\n\ndata: {"kind":"done"}\n\n')).toEqual(["token", "end", "done"]);
});

test.each(["", 'data: {"kind":"token"}\n\n', 'data: {"kind":"end"}\n\ndata: {"ki'])("one that ends before says so: %j", async (body) => {
  await expect(generated(body)).rejects.toMatchObject({ message: "the text broke off before its end", remedy: "try again" });
});

test("one whose connection is lost is no bug of the page", async () => {
  const lost = new ReadableStream({ pull: (controller) => controller.error(new TypeError("network error")) });
  await expect(generated(lost)).rejects.toMatchObject({ status: 0, code: "offline" });
});

test("settings become a request: empty ones are left out, and nonsense is left for the server", () => {
  const request = requestOf({ ...DEFAULTS, prompt: "a", top_k: "5", temperature: "hot", max_new_tokens: "" }, 7);
  expect(request).toEqual({ prompt: "a", top_k: 5, temperature: "hot", seed: 7 });
  expect(requestOf({ ...DEFAULTS, prompt: "a", seed: "3" }, 7).seed).toBe(3);
});
