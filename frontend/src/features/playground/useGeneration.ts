import { useCallback, useEffect, useRef, useState } from "react";
import { asProblem, type Problem } from "@/shared/api/problem";
import { generate } from "./stream";

export interface Token {
  text: string;
  /** 0 to 1; null where it is not known. */
  probability: number | null;
}

export interface Generation {
  state: "idle" | "running" | "done" | "failed";
  prompt: string;
  seed: number | null;
  tokens: readonly Token[];
  tokensPerSecond: number | null;
  finish: string;
  problem: Problem | null;
}

const IDLE: Generation = { state: "idle", prompt: "", seed: null, tokens: [], tokensPerSecond: null, finish: "", problem: null };

/** One generation at a time, shown as it comes. */
export function useGeneration() {
  const [generation, setGeneration] = useState(IDLE);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const stop = useCallback(() => running.current?.abort(), []);
  const start = useCallback(async (request: Record<string, unknown>) => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const tokens: Token[] = [];
    const began = performance.now();
    const show = (change: Partial<Generation>) => {
      if (running.current === controller) setGeneration((before) => ({ ...before, ...change }));
    };
    setGeneration({ ...IDLE, state: "running", prompt: String(request.prompt), seed: Number(request.seed) });
    const frame = batched(() => show({ tokens: [...tokens], tokensPerSecond: (1000 * tokens.length) / (performance.now() - began) }));
    try {
      for await (const reply of generate(request, controller.signal)) {
        if (reply.kind === "token") tokens.push({ text: reply.text, probability: reply.logprob === null ? null : Math.exp(reply.logprob) });
        if (reply.kind === "end") {
          if (reply.text) tokens.push({ text: reply.text, probability: null });
          show({ finish: reply.finish_reason });
        }
        frame();
      }
      show({ state: "done" });
    } catch (thrown) {
      if (controller.signal.aborted) show({ state: "done", finish: "stopped" });
      else show({ state: "failed", problem: asProblem(thrown) });
    }
  }, []);
  return { generation, start, stop };
}

/** At most once per frame. */
function batched(call: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      call();
    });
  };
}
