import { send } from "@/shared/api/client";
import { Problem, offline } from "@/shared/api/problem";
import type { GenerateBody } from "@/shared/api/types";

export type Reply =
  | { kind: "token"; index: number; text: string; token: number | null; logprob: number | null }
  | { kind: "end"; index: number; text: string; finish_reason: string }
  | { kind: "done" }
  | { kind: "error"; text: string };

const AGAIN = "try again";

/** The generation, reply by reply, up to the one that says it is done. Throws Problem where it ends before; AbortError when `signal` is aborted. */
export async function* generate(body: Partial<GenerateBody>, signal: AbortSignal): AsyncGenerator<Reply> {
  const response = await send("POST", "/api/v1/generate", { body: { ...body, stream: true }, signal });
  for await (const data of response.body ? serverSent(response.body) : []) {
    const reply = JSON.parse(data) as Reply;
    if (reply.kind === "error") throw new Problem(-1, "generation-broke-off", reply.text, AGAIN);
    yield reply;
    if (reply.kind === "done") return;
  }
  throw new Problem(-1, "generation-broke-off", "the text broke off before its end", AGAIN);
}

/** The `data` of each server-sent event, however the bytes were cut on their way. Throws Problem where the connection breaks. */
export async function* serverSent(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(cutOff);
      if (done) return;
      buffered += value;
      const events = buffered.split(/\r?\n\r?\n/);
      buffered = events.pop() ?? "";
      for (const event of events) {
        const lines = event.split(/\r?\n/).filter((line) => line.startsWith("data:"));
        if (lines.length > 0) yield lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Browsers tell a lost connection by errors of their own. */
function cutOff(thrown: unknown): never {
  throw thrown instanceof DOMException && thrown.name === "AbortError" ? thrown : offline();
}
