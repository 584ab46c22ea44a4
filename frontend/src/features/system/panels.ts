import type { Curve } from "@/shared/curve";
import { gpuIndexes, type Unit } from "@/shared/workers/readings";

export interface Line {
  /** Of the metric. */
  name: string;
  label: string;
}

/** One chart of a host. */
export interface Panel {
  title: string;
  unit: Unit;
  lines: readonly Line[];
  /** The scale ends there: a number, or the most of these metrics. */
  top?: number | readonly string[];
}

const HOST: readonly Panel[] = [
  panel("Processor", "percent", { "cpu.utilization": "all cores", "cpu.busiest_core": "busiest core" }, 100),
  panel("Memory", "bytes", { "memory.used_bytes": "in use", "swap.used_bytes": "swapped" }, ["system/memory.total_bytes"]),
  panel("Network", "bytes per second", { "network.receive_bytes_per_second": "received", "network.transmit_bytes_per_second": "sent" }),
  panel("Disk traffic", "bytes per second", { "disk.read_bytes_per_second": "read", "disk.write_bytes_per_second": "written" }),
  panel("Disk space", "bytes", { "disk.used_bytes": "in use", "disk.free_bytes": "free" }, ["system/disk.total_bytes"]),
];

/** `top`: of the scale: a number, or the reading of each GPU that says so. */
const GPU: readonly (readonly [title: string, unit: Unit, reading: string, top?: number | string])[] = [
  ["GPU utilisation", "percent", "utilization", 100],
  ["GPU memory", "bytes", "memory_bytes", "memory_total_bytes"],
  ["GPU temperature", "celsius", "temperature_celsius"],
  ["GPU power", "watts", "power_watts", "power_limit_watts"],
  ["GPU clock", "megahertz", "sm_clock_mhz"],
];

/** The charts for what there is of a host; its GPUs first, a line each. */
export function panelsFor(names: readonly string[]): Panel[] {
  const known = new Set(names);
  const gpus = gpuIndexes(names);
  const nameOf = (index: number, reading: string) => `system/gpu.${index}.${reading}`;
  const ofGpus = GPU.map(([title, unit, reading, top]): Panel => {
    const lines = gpus.map((index) => ({ name: nameOf(index, reading), label: `GPU ${index}` }));
    if (top === undefined) return { title, unit, lines };
    return { title, unit, lines, top: typeof top === "number" ? top : gpus.map((index) => nameOf(index, top)) };
  });
  const all = [...ofGpus, ...HOST];
  return all.map((one) => ({ ...one, lines: one.lines.filter(({ name }) => known.has(name)) })).filter((one) => one.lines.length > 0);
}

/** Where the scale ends; open (undefined) where one of those that say so has not been read. */
export function topOf({ top }: Panel, curves: ReadonlyMap<string, Pick<Curve, "max">>): number | undefined {
  if (top === undefined || typeof top === "number") return top;
  const most = Math.max(...top.map((name) => curves.get(name)?.max.findLast(Number.isFinite) ?? NaN));
  return Number.isFinite(most) ? most : undefined;
}

function panel(title: string, unit: Unit, lines: Record<string, string>, top?: number | readonly string[]): Panel {
  const named = Object.entries(lines).map(([name, label]) => ({ name: `system/${name}`, label }));
  return { title, unit, lines: named, ...(top === undefined ? {} : { top }) };
}
