import "./samples.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Quote } from "lucide-react";
import { useState } from "react";
import { path } from "@/shared/api/client";
import { allItems, hasEnded, keys } from "@/shared/api/queries";
import type { Run, Sample } from "@/shared/api/types";
import { integer } from "@/shared/format/numbers";
import { ago } from "@/shared/format/time";
import { Loaded } from "@/shared/ui/Loaded";
import { Notice } from "@/shared/ui/Notice";
import { useNow } from "@/shared/useNow";

const MOST = 2000;

/** What the model wrote while it learned, newest first. */
export function SampleList({ run }: { run: Run }) {
  const samples = useQuery({
    queryKey: [...keys.run(run.id), "samples"],
    queryFn: ({ signal }) => allItems<Sample>(path`/api/v1/runs/${run.id}/samples`, {}, MOST, signal),
  });
  return <Loaded query={samples}>{(items) => (items.length === 0 ? <NoSamples run={run} /> : <Samples items={items} />)}</Loaded>;
}

function NoSamples({ run }: { run: Run }) {
  const { every, prompts = [] } = run.spec.train.sample;
  return (
    <Notice icon={<Quote size={28} aria-hidden />} title="No samples">
      {prompts.length === 0 ? (
        <p>
          This run has no prompts to sample from. Try its checkpoints in the{" "}
          <Link to="/playground" search={{ run: run.id }}>
            playground
          </Link>
          .
        </p>
      ) : (
        <p>{hasEnded(run) ? "It ended before the first sample." : `The first comes at step ${integer(every)}.`}</p>
      )}
    </Notice>
  );
}

function Samples({ items }: { items: readonly Sample[] }) {
  const now = useNow(10_000);
  const prompts = [...new Set(items.map(({ prompt }) => prompt))];
  const [prompt, setPrompt] = useState("");
  const shown = items.filter((sample) => prompt === "" || sample.prompt === prompt).reverse();
  return (
    <div className="stack">
      {prompts.length > 1 && (
        <select className="input sample-prompt" aria-label="Prompt" value={prompt} onChange={({ target }) => setPrompt(target.value)}>
          <option value="">all prompts</option>
          {prompts.map((text) => (
            <option key={text}>{text}</option>
          ))}
        </select>
      )}
      <ol className="samples">
        {shown.map((sample) => (
          <li key={`${String(sample.attempt)} ${String(sample.step)} ${sample.prompt}`} className="card sample">
            <p className="muted">
              <strong>step {integer(sample.step)}</strong> · {ago(sample.at, now)}
            </p>
            <pre>
              <span className="prompt">{sample.prompt}</span>
              {sample.text.startsWith(sample.prompt) ? sample.text.slice(sample.prompt.length) : sample.text}
            </pre>
          </li>
        ))}
      </ol>
    </div>
  );
}
