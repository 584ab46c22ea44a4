import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Sprout } from "lucide-react";
import { submitCommand } from "@/shared/api/curl";
import { datasetsQuery } from "@/shared/api/queries";
import { Notice } from "@/shared/ui/Notice";
import { Snippet } from "@/shared/ui/Snippet";

const PRESETS = [
  ["nano", "Nano", "4 layers, 0.8 M parameters. Minutes on a laptop: see the whole way work."],
  ["micro", "Micro", "6 layers, 2.7 M parameters. Readable text after an hour on a CPU."],
  ["gpt2-124m", "GPT-2 124M", "12 layers, 124 M parameters. Wants a GPU and a lot of text."],
] as const;

export function EmptyRuns() {
  const { data } = useQuery(datasetsQuery);
  const dataset = data?.items[0]?.name;
  const spec = { name: "first-run", dataset: dataset ?? "novels", model: { preset: "nano" } };
  return (
    <section className="card">
      <Notice icon={<Sprout size={32} aria-hidden />} title="Start your first run">
        {dataset === undefined ? (
          <p>
            A run needs text to learn from. <Link to="/datasets">Upload a dataset</Link> first, or choose a size and upload on the way.
          </p>
        ) : (
          <p>Choose a size; everything can still be changed.</p>
        )}
        <ul className="presets">
          {PRESETS.map(([preset, name, about]) => (
            <li key={preset}>
              <Link to="/runs/new" search={dataset === undefined ? { preset } : { preset, dataset }} className="card preset">
                <strong>{name}</strong>
                <span className="muted">{about}</span>
              </Link>
            </li>
          ))}
        </ul>
        <p>or from a terminal:</p>
        <Snippet label="command that submits a run" text={submitCommand(spec, location.origin)} />
      </Notice>
    </section>
  );
}
