import { CircleAlert, TriangleAlert, WifiOff } from "lucide-react";
import { useState } from "react";
import type { Worker } from "@/shared/api/types";
import { ago } from "@/shared/format/time";
import { useStore } from "@/shared/store";
import { Skeleton } from "@/shared/ui/Skeleton";
import { useInSight } from "@/shared/useInSight";
import type { Sample } from "@/shared/workers/SampleStore";
import { readingText, warningsOf } from "@/shared/workers/readings";
import { useSamples } from "@/shared/workers/useSamples";
import { GpuLanes } from "./GpuLanes";
import { Meter, Sparkline } from "./Meter";

const KEPT = 120;
const SILENT_MS = 10_000;
const SHOWN = ["cpu.utilization", "memory.used_bytes", "memory.total_bytes", "disk.free_bytes", "disk.total_bytes", "network.receive_bytes_per_second", "network.transmit_bytes_per_second"];
const ASKED = SHOWN.map((name) => `system/${name}`).join(",");

/** What the worker's host does now, second by second, and what is wrong with it. */
export function HostReadings({ worker, now }: { worker: Worker; now: number }) {
  const [element, seen] = useInSight<HTMLDivElement>();
  const store = useSamples(worker.name, KEPT, seen, ASKED);
  const samples = useStore(store.samples);
  const latest = samples.at(-1);
  const heardAt = store.heardAt ?? now;
  const silent = latest !== undefined && now - heardAt > SILENT_MS;
  return (
    <div ref={element} className="stack host-readings" data-silent={silent || undefined}>
      {latest ? <Read samples={samples} latest={latest} worker={worker} silent={silent} /> : <Unread key={String(seen)} worker={worker} seen={seen} now={now} />}
      {silent && (
        <p className="badge" data-tone="warn">
          <WifiOff size={14} aria-hidden /> last readings {ago(new Date(heardAt).toISOString(), now)}
        </p>
      )}
    </div>
  );
}

/** Asked for while it is in sight; a new one for each time it comes there. */
function Unread({ worker, seen, now }: { worker: Worker; seen: boolean; now: number }) {
  const [since] = useState(now);
  return <NoReadings state={worker.state} waitedMs={seen ? now - since : 0} />;
}

export function NoReadings({ state, waitedMs }: { state: Worker["state"]; waitedMs: number }) {
  if (state === "lost" || state === "refused") return <p className="muted">No readings of its host.</p>;
  if (waitedMs > SILENT_MS) return <p className="muted">No readings yet.</p>;
  return <Skeleton lines={4} height={20} />;
}

function Read({ samples, latest, worker, silent }: { samples: readonly Sample[]; latest: Sample; worker: Worker; silent: boolean }) {
  const of = (name: string) => latest.metrics[`system/${name}`];
  const curve = (name: string) => samples.map(({ second, metrics }) => [second, metrics[`system/${name}`]] as const);
  const share = (part: number | undefined, whole: number | undefined) => (part !== undefined && whole ? part / whole : undefined);
  const [free, disk] = [of("disk.free_bytes"), of("disk.total_bytes")];
  const taken = share(free, disk);
  return (
    <>
      {!silent && <Warnings sample={latest} />}
      <dl className="meters">
        <Meter name="Processor" share={share(of("cpu.utilization"), 100)} text={readingText("percent", of("cpu.utilization"))}>
          <Sparkline points={curve("cpu.utilization")} top={100} />
        </Meter>
        <Meter name="Memory" scarce share={share(of("memory.used_bytes"), of("memory.total_bytes"))} text={`${readingText("bytes", of("memory.used_bytes"))} of ${readingText("bytes", of("memory.total_bytes"))}`}>
          <Sparkline points={curve("memory.used_bytes")} top={of("memory.total_bytes")} />
        </Meter>
        <Meter name="Disk" scarce share={taken === undefined ? undefined : 1 - taken} text={`${readingText("bytes", free)} free`} />
        <Meter name="Network" text={`↓ ${readingText("bytes per second", of("network.receive_bytes_per_second"))} ↑ ${readingText("bytes per second", of("network.transmit_bytes_per_second"))}`}>
          <Sparkline points={curve("network.receive_bytes_per_second")} />
        </Meter>
      </dl>
      <GpuLanes sample={latest} slots={worker.slots} />
    </>
  );
}

function Warnings({ sample }: { sample: Sample }) {
  const warnings = warningsOf(sample);
  if (warnings.length === 0) return null;
  return (
    <ul className="host-warnings" aria-label="Warnings">
      {warnings.map(({ tone, text }) => (
        <li key={text} data-tone={tone}>
          {tone === "bad" ? <CircleAlert size={14} aria-hidden /> : <TriangleAlert size={14} aria-hidden />} <span>{text}</span>
        </li>
      ))}
    </ul>
  );
}
