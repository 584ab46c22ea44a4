import "./samples.css";
import { Link } from "@tanstack/react-router";
import { Quote } from "lucide-react";
import { useState } from "react";
import { path } from "@/shared/api/client";
import type { GrowingList, Newest } from "@/shared/api/newest";
import { hasEnded, keys } from "@/shared/api/queries";
import type { Run, Sample } from "@/shared/api/types";
import { useNewest } from "@/shared/api/useNewest";
import { integer, plural } from "@/shared/format/numbers";
import { ago } from "@/shared/format/time";
import { Loaded } from "@/shared/ui/Loaded";
import { Notice } from "@/shared/ui/Notice";
import { Older } from "@/shared/ui/Older";
import { useNow } from "@/shared/useNow";

/** What the model wrote while it learned, newest first. */
export function SampleList({ run }: { run: Run }) {
  const { query, older } = useNewest([...keys.run(run.id), "samples"], samples(run.id), { select: asIs });
  return (
    <Loaded query={query}>
      {(known) =>
        known.items.length === 0 ? (
          <NoSamples run={run} />
        ) : (
          <div className="stack">
            <Samples items={known.items} />
            {known.older !== null && (
              <Older label="Load older samples" older={older}>
                The newest {plural(known.items.length, "sample")}.
              </Older>
            )}
          </div>
        )
      }
    </Loaded>
  );
}

function samples(runId: string): GrowingList<Sample> {
  return { address: path`/api/v1/runs/${runId}/samples`, idOf, limit: 200 };
}

function idOf({ attempt, step, prompt, at }: Sample): string {
  return `${String(attempt)} ${String(step)} ${at} ${prompt}`;
}

function asIs(newest: Newest<Sample>): Newest<Sample> {
  return newest;
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
  const shown = items.filter((sample) => prompt === "" || sample.prompt === prompt);
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
          <li key={idOf(sample)} className="card sample">
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
