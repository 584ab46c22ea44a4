import { readFile } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import { sentence } from "@/features/events/sentence";
import type { AnyEvent, Envelope } from "@/shared/api/types";
import { applyEvent, type EventSink } from "@/shared/live/applyEvent";

interface OpenApi {
  components: { schemas: { Envelope: { properties: { event: { discriminator: { mapping: Record<string, string> } } } } } };
}

const document = JSON.parse(await readFile(new URL("../../services/api/openapi.json", import.meta.url), "utf8")) as OpenApi;
const types = Object.keys(document.components.schemas.Envelope.properties.event.discriminator.mapping);

/** An event of that type whose fields are all there, of no particular meaning. */
function anyOf(type: string): AnyEvent {
  const fields = { slots: [], old: {}, new: { "train.steps": 2 }, lines: [], metrics: { "train/loss": 1 }, text: "", prompt: "", reason: "", by: "me", worker: "w", step: 1, tokens: 1, detector: "loss_spike", message: "", actions: ["annotate"], severity: "info" };
  return { ...fields, type, attempt: 1, bytes: 1, seconds: 1, ranks: 1, steps: 2, first_step: 1, world_size: 1, parameters: 1, after_seconds: 1 } as unknown as AnyEvent;
}

function envelope(event: AnyEvent): Envelope {
  return { run_id: "run_1", attempt: 2, fence: 1, producer: "p", producer_seq: 1, at: 1, event, epoch: "e", seq: 1 };
}

test.each(types)("%s has a sentence and an effect that is known", (type) => {
  const warned = vi.spyOn(console, "warn").mockReturnValue(undefined);
  expect(sentence(anyOf(type))).not.toBe(type);
  applyEvent(envelope(anyOf(type)), {});
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});

test("a step that was left out says why, and also where its loss is no number", () => {
  const skipped = { type: "StepSkipped", step: 1200, reason: "non_finite", loss: NaN, grad_norm: 2.5, consecutive: 1 } as AnyEvent;
  expect(sentence(skipped)).toBe("step 1,200 was left out: its loss or gradient is no number (loss not finite, gradient norm 2.500)");
  expect(sentence({ ...skipped, reason: "loss_spike", loss: null } as unknown as AnyEvent)).toContain("its loss is a spike (loss not finite");
});

test("a gap says what is missing", () => {
  const gap = { type: "EventsDropped", count: 3, first_step: 4, last_step: 6, reason: "full" } as AnyEvent;
  expect(sentence(gap)).toBe("3 events are missing here, of steps 4 to 6: full");
  expect(sentence({ ...gap, count: 1, first_step: null, last_step: null } as AnyEvent)).toBe("1 event is missing here: full");
});

test("a step is a point of its attempt, and no line in the list", () => {
  const heard: unknown[] = [];
  const sink: EventSink = { point: (point) => heard.push(point), happened: () => heard.push("happened") };
  applyEvent(envelope(anyOf("StepCompleted")), sink);
  expect(heard).toEqual([{ evaluation: false, attempt: 2, step: 1, tokens: 1, metrics: { "train/loss": 1 } }]);
});

test("an event of a newer server does no harm", () => {
  const warned = vi.spyOn(console, "warn").mockReturnValue(undefined);
  applyEvent(envelope(anyOf("SomethingNew")), {});
  expect(warned).toHaveBeenCalledOnce();
  expect(sentence(anyOf("SomethingNew"))).toBe("SomethingNew");
  warned.mockRestore();
});
