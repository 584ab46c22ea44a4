import { useMemo, useState } from "react";
import { stringify } from "yaml";
import type { Run } from "@/shared/api/types";
import { Facts } from "@/shared/ui/Facts";
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
  return (
    <div className="stack">
      <Resolved resolved={run.resolved} />
      <div className="row">
        <Segments label="Format" value={form} options={FORMS} onChange={setForm} />
        <span className="muted">as it was submitted, with every default filled in</span>
      </div>
      <Snippet text={text} label="spec" />
    </div>
  );
}

function Resolved({ resolved: { dataset, tokenizer } }: { resolved: Run["resolved"] }) {
  const facts = [
    ["Dataset", `${dataset.name}@${String(dataset.version)}`],
    ["Its size", bytes(dataset.bytes)],
    ["Tokenizer", tokenizer.version > 0 ? `${tokenizer.name}@${String(tokenizer.version)}` : tokenizer.name],
    ["Vocabulary", `${integer(tokenizer.vocab_size)} tokens`],
    ["Bytes per token", tokenizer.bytes_per_token.toFixed(2)],
  ] as const;
  return (
    <section className="card card-body" aria-label="Resolved">
      <Facts facts={facts} />
    </section>
  );
}
