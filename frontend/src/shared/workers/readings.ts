import { bytes, integer } from "../format/numbers";
import type { Sample } from "./SampleStore";

export type Unit = "percent" | "bytes" | "bytes per second" | "celsius" | "watts" | "megahertz" | "count";

const TEXTS: Record<Unit, (value: number) => string> = {
  percent: (value) => `${value.toFixed(0)} %`,
  bytes,
  "bytes per second": (value) => `${bytes(Math.round(value))}/s`,
  celsius: (value) => `${value.toFixed(0)} °C`,
  watts: (value) => `${value.toFixed(0)} W`,
  megahertz: (value) => `${integer(value)} MHz`,
  count: integer,
};

/** "–" for what was not read. */
export function readingText(unit: Unit, value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "–" : TEXTS[unit](value);
}

/** Indexes of the GPUs among names such as `system/gpu.0.utilization`, rising. */
export function gpuIndexes(names: Iterable<string>): number[] {
  const found = new Set<number>();
  for (const name of names) {
    const index = /^system\/gpu\.(\d+)\./.exec(name)?.[1];
    if (index !== undefined) found.add(Number(index));
  }
  return [...found].sort((one, other) => one - other);
}

export interface Warning {
  tone: "warn" | "bad";
  text: string;
}

const LITTLE_DISK = 0.05;

/** What a person should look at, worst first. */
export function warningsOf({ metrics }: Sample): Warning[] {
  const of = (name: string) => metrics[`system/${name}`];
  const found: Warning[] = [];
  for (const gpu of gpuIndexes(Object.keys(metrics))) {
    const errors = of(`gpu.${gpu}.ecc_uncorrected`) ?? 0;
    if (errors > 0) found.push({ tone: "bad", text: `GPU ${gpu}: ${integer(errors)} memory ${errors === 1 ? "error" : "errors"} that could not be corrected (ECC); results there cannot be trusted` });
  }
  const [free, total] = [of("disk.free_bytes"), of("disk.total_bytes")];
  if (free !== undefined && total !== undefined && free < LITTLE_DISK * total) found.push({ tone: "bad", text: `little disk left: ${bytes(free)} of ${bytes(total)}` });
  for (const gpu of gpuIndexes(Object.keys(metrics))) {
    if (of(`gpu.${gpu}.throttled_by_heat`)) found.push({ tone: "warn", text: `GPU ${gpu} is slowed down by heat, at ${readingText("celsius", of(`gpu.${gpu}.temperature_celsius`))}` });
  }
  return found;
}
