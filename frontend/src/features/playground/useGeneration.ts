import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { asProblem, type Problem } from "@/shared/api/problem";
import { generate, type Reply } from "./stream";

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

type Show = (change: Partial<Generation>) => void;

/** One generation at a time, shown as it comes. `onRefused` is called where fields of the request are wrong. */
export function useGeneration(onRefused: () => void) {
  const [generation, setGeneration] = useState(IDLE);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  // A mutation, so that an ended session is noticed as everywhere.
  const { mutate } = useMutation({
    mutationFn: async (request: Record<string, unknown>) => {
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      const show: Show = (change) => {
        if (running.current === controller) setGeneration((before) => ({ ...before, ...change }));
      };
      show({ ...IDLE, state: "running", prompt: String(request.prompt), seed: Number(request.seed) });
      try {
        await follow(generate(request, controller.signal), show);
        show({ state: "done" });
      } catch (thrown) {
        if (controller.signal.aborted) return show({ state: "done", finish: "stopped" });
        show({ state: "failed", problem: asProblem(thrown) });
        throw thrown;
      }
    },
    onError: (error) => asProblem(error).errors.length > 0 && onRefused(),
  });
  return { generation, start: mutate, stop: () => running.current?.abort() };
}

async function follow(replies: AsyncIterable<Reply>, show: Show): Promise<void> {
  const tokens: Token[] = [];
  const began = performance.now();
  const frame = batched(() => show({ tokens: [...tokens], tokensPerSecond: (1000 * tokens.length) / (performance.now() - began) }));
  for await (const reply of replies) {
    if (reply.kind === "token") tokens.push({ text: reply.text, probability: reply.logprob === null ? null : Math.exp(reply.logprob) });
    if (reply.kind === "end") {
      if (reply.text) tokens.push({ text: reply.text, probability: null });
      show({ finish: reply.finish_reason });
    }
    frame();
  }
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
