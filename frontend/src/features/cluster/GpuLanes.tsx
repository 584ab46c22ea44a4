import type { Slot } from "@/shared/api/types";
import type { Sample } from "@/shared/workers/SampleStore";
import { gpuIndexes, readingText } from "@/shared/workers/readings";
import { Bar } from "./Meter";

/** A line for each GPU: how busy, how full, how hot, and what it draws. */
export function GpuLanes({ sample, slots }: { sample: Sample; slots: readonly Slot[] }) {
  const indexes = gpuIndexes(Object.keys(sample.metrics));
  if (indexes.length === 0) return null;
  return (
    <ul className="gpu-lanes" aria-label="GPUs">
      {indexes.map((index) => (
        <Lane key={index} index={index} sample={sample} slot={slots.find(({ id }) => id === sample.gpus[index])} />
      ))}
    </ul>
  );
}

function Lane({ index, sample, slot }: { index: number; sample: Sample; slot: Slot | undefined }) {
  const of = (name: string) => sample.metrics[`system/gpu.${index}.${name}`];
  const [busy, used, total, power, limit] = [of("utilization"), of("memory_bytes"), of("memory_total_bytes"), of("power_watts"), of("power_limit_watts")];
  return (
    <li className="gpu-lane">
      <strong title={slot?.id}>GPU {index}</strong>
      <Quantity name="Utilisation" share={busy === undefined ? undefined : busy / 100} text={readingText("percent", busy)} />
      <Quantity name="Memory" share={used !== undefined && total ? used / total : undefined} text={`${readingText("bytes", used)} of ${readingText("bytes", total)}`} />
      <Quantity name="Temperature" text={readingText("celsius", of("temperature_celsius"))} />
      <Quantity name="Power" share={power !== undefined && limit ? power / limit : undefined} text={limit ? `${readingText("watts", power)} of ${readingText("watts", limit)}` : readingText("watts", power)} />
    </li>
  );
}

function Quantity({ name, share, text }: { name: string; share?: number | undefined; text: string }) {
  return (
    <span className="gpu-quantity">
      <span className="visually-hidden">{name} </span>
      <span title={name}>{text}</span>
      {share !== undefined && <Bar share={share} label={`${name}: ${text}`} />}
    </span>
  );
}
