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
  /** The scale ends there; the name of the metric that says so, or a number. */
  top?: number | string;
}

const HOST: readonly Panel[] = [
  panel("Processor", "percent", { "cpu.utilization": "all cores", "cpu.busiest_core": "busiest core" }, 100),
  panel("Memory", "bytes", { "memory.used_bytes": "in use", "swap.used_bytes": "swapped" }, "system/memory.total_bytes"),
  panel("Network", "bytes per second", { "network.receive_bytes_per_second": "received", "network.transmit_bytes_per_second": "sent" }),
  panel("Disk traffic", "bytes per second", { "disk.read_bytes_per_second": "read", "disk.write_bytes_per_second": "written" }),
  panel("Disk space", "bytes", { "disk.used_bytes": "in use", "disk.free_bytes": "free" }, "system/disk.total_bytes"),
];

const GPU: readonly (readonly [title: string, unit: Unit, reading: string, top?: number | string])[] = [
  ["GPU utilisation", "percent", "utilization", 100],
  ["GPU memory", "bytes", "memory_bytes", "system/gpu.0.memory_total_bytes"],
  ["GPU temperature", "celsius", "temperature_celsius"],
  ["GPU power", "watts", "power_watts", "system/gpu.0.power_limit_watts"],
  ["GPU clock", "megahertz", "sm_clock_mhz"],
];

/** The charts for what there is of a host; its GPUs first, a line each. */
export function panelsFor(names: readonly string[]): Panel[] {
  const known = new Set(names);
  const gpus = gpuIndexes(names);
  const lines = (reading: string) => gpus.map((index) => ({ name: `system/gpu.${index}.${reading}`, label: `GPU ${index}` }));
  const all = [...GPU.map(([title, unit, reading, top]): Panel => ({ title, unit, lines: lines(reading), ...(top === undefined ? {} : { top }) })), ...HOST];
  return all.map((one) => ({ ...one, lines: one.lines.filter(({ name }) => known.has(name)) })).filter((one) => one.lines.length > 0);
}

function panel(title: string, unit: Unit, lines: Record<string, string>, top?: number | string): Panel {
  const named = Object.entries(lines).map(([name, label]) => ({ name: `system/${name}`, label }));
  return { title, unit, lines: named, ...(top === undefined ? {} : { top }) };
}
