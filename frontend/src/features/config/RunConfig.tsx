import { useMemo, useState } from "react";
import { stringify } from "yaml";
import type { Run } from "@/shared/api/types";
import { Segments } from "@/shared/ui/Segments";
import { Snippet } from "@/shared/ui/Snippet";
import { bytes, integer } from "@/shared/format/numbers";

const FORMS = [
  ["yaml", "YAML"],
  ["json", "JSON"],
] as const;

/** The run's own spec, frozen and complete, and what its references meant. */
export function RunConfig({ run }: { run: Run }) {
  const [form, setForm] = useState<"yaml" | "json">("yaml");
  const text = useMemo(() => (form === "yaml" ? stringify(run.spec) : JSON.stringify(run.spec, null, 2)), [form, run.spec]);
  const { dataset, tokenizer } = run.resolved;
  return (
    <div className="stack">
      <section className="card card-body" aria-label="Resolved">
        <dl className="facts">
          <div>
            <dt>Dataset</dt>
            <dd>
              {dataset.name}@{dataset.version}
            </dd>
          </div>
          <div>
            <dt>Its size</dt>
            <dd>{bytes(dataset.bytes)}</dd>
          </div>
          <div>
            <dt>Tokenizer</dt>
            <dd>
              {tokenizer.name}
              {tokenizer.version > 0 && `@${String(tokenizer.version)}`}
            </dd>
          </div>
          <div>
            <dt>Vocabulary</dt>
            <dd>{integer(tokenizer.vocab_size)} tokens</dd>
          </div>
          <div>
            <dt>Bytes per token</dt>
            <dd>{tokenizer.bytes_per_token.toFixed(2)}</dd>
          </div>
        </dl>
      </section>
      <div className="row">
        <Segments label="Format" value={form} options={FORMS} onChange={setForm} />
        <span className="muted">as it was submitted, with every default filled in</span>
      </div>
      <Snippet text={text} label="spec" />
    </div>
  );
}
