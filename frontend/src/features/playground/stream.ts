import { send } from "@/shared/api/client";
import { Problem } from "@/shared/api/problem";
import type { GenerateBody } from "@/shared/api/types";

export type Reply =
  | { kind: "token"; index: number; text: string; token: number | null; logprob: number | null }
  | { kind: "end"; index: number; text: string; finish_reason: string }
  | { kind: "done" }
  | { kind: "error"; text: string };

/** The generation, reply by reply. Throws Problem; ends early when `signal` is aborted. */
export async function* generate(body: Partial<GenerateBody>, signal: AbortSignal): AsyncGenerator<Reply> {
  const response = await send("POST", "/api/v1/generate", { body: { ...body, stream: true }, signal });
  if (!response.body) return;
  for await (const data of serverSent(response.body)) {
    const reply = JSON.parse(data) as Reply;
    if (reply.kind === "error") throw new Problem(-1, "generation-broke-off", reply.text, "try again");
    yield reply;
  }
}

/** The `data` of each server-sent event, however the bytes were cut on their way. */
export async function* serverSent(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
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
