import { RotateCcw } from "lucide-react";
import { Tabs } from "radix-ui";
import { submitCommand } from "@/shared/api/curl";
import type { FieldError } from "@/shared/api/types";
import { Button } from "@/shared/ui/Button";
import { InfoBanner } from "@/shared/ui/Notice";
import { Snippet } from "@/shared/ui/Snippet";
import { SpecForm } from "./SpecForm";
import { YamlEditor } from "./YamlEditor";
import type { View } from "./complaints";
import { toSpec } from "./draft";
import type { useWork } from "./useWork";

interface Props {
  work: ReturnType<typeof useWork>;
  complaints: readonly FieldError[];
  view: View;
  onView: (view: View) => void;
}

/** The three ways to write the same spec. */
export function SpecTabs({ work, complaints, view, onView }: Props) {
  const { draft, yaml, yamlError, setField, setYaml, restart } = work;
  return (
    <Tabs.Root value={view} onValueChange={(next) => onView(next as View)} className="stack">
      <div className="row spread">
        <Tabs.List className="tabs-list" aria-label="Form of the spec">
          <Tabs.Trigger value="form">Form</Tabs.Trigger>
          <Tabs.Trigger value="yaml">YAML</Tabs.Trigger>
          <Tabs.Trigger value="curl">cURL</Tabs.Trigger>
        </Tabs.List>
        <Button kind="quiet" onClick={restart}>
          <RotateCcw size={14} aria-hidden /> Start over
        </Button>
      </div>
      <Tabs.Content value="form" className="stack">
        {yamlError !== null && <Unread shows="form" />}
        <SpecForm draft={draft} errors={complaints} onChange={setField} />
      </Tabs.Content>
      <Tabs.Content value="yaml">
        <YamlEditor text={yaml} problem={yamlError} errors={complaints} onText={setYaml} />
      </Tabs.Content>
      <Tabs.Content value="curl" className="stack">
        {yamlError !== null && <Unread shows="command" />}
        <p className="muted">
          The same run over HTTP. <code>GROUNDUP_TOKEN</code> is a token of yours: <code>groundup token create</code>.
        </p>
        <Snippet text={submitCommand(toSpec(draft), location.origin)} label="command" />
      </Tabs.Content>
    </Tabs.Root>
  );
}

function Unread({ shows }: { shows: string }) {
  return <InfoBanner>The YAML cannot be read at the moment; the {shows} shows how it last could.</InfoBanner>;
}
