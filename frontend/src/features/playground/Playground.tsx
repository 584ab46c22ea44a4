import "./playground.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { MessageSquareText, Play, Square } from "lucide-react";
import { useEffect, useState, type SubmitEvent } from "react";
import { checkpointsQuery, runsQuery } from "@/shared/api/queries";
import type { Checkpoint, Run } from "@/shared/api/types";
import { Button } from "@/shared/ui/Button";
import { Field } from "@/shared/ui/Field";
import { Loaded } from "@/shared/ui/Loaded";
import { ErrorBanner, Notice } from "@/shared/ui/Notice";
import { CheckpointChoice, type Choice } from "./CheckpointChoice";
import { GeneratedText } from "./GeneratedText";
import { SamplingControls } from "./SamplingControls";
import { keepSettings, keptSettings, requestOf, type Settings } from "./settings";
import { useGeneration } from "./useGeneration";

interface Props {
  run: string | undefined;
  checkpoint: string | undefined;
  onChoice: (choice: Choice) => void;
}

/** Try what a checkpoint writes. */
export function Playground({ run, checkpoint, onChoice }: Props) {
  const checkpoints = useQuery(checkpointsQuery());
  const runs = useQuery(runsQuery({ limit: 200 }));
  return (
    <Loaded query={checkpoints}>
      {({ items }) =>
        items.length === 0 && checkpoint === undefined ? (
          <Notice icon={<MessageSquareText size={28} aria-hidden />} title="Nothing to try yet">
            <p>
              As soon as a run has saved its first checkpoint, you can write with it here. <Link to="/runs/new">Start a run</Link>
            </p>
          </Notice>
        ) : (
          <Board
            checkpoints={items}
            runs={runs.data?.items ?? []}
            choice={checkpoint !== undefined ? { checkpoint } : { run: run ?? items[0]?.run_id ?? "" }}
            onChoice={onChoice}
          />
        )
      }
    </Loaded>
  );
}

interface BoardProps {
  checkpoints: readonly Checkpoint[];
  runs: readonly Run[];
  choice: Choice;
  onChoice: (choice: Choice) => void;
}

function Board({ checkpoints, runs, choice, onChoice }: BoardProps) {
  const [settings, setSettings] = useState(keptSettings);
  const { generation, start, stop } = useGeneration();
  useEffect(() => keepSettings(settings), [settings]);
  const running = generation.state === "running";
  const change = (wish: Partial<Settings>) => setSettings((before) => ({ ...before, ...wish }));
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const model = "checkpoint" in choice ? { checkpoint_id: choice.checkpoint } : { run_id: choice.run };
    const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    void start({ ...requestOf(settings, seed), ...model });
  };
  const errors = generation.problem?.errors ?? [];
  return (
    <div className="playground">
      <form className="card card-body stack" onSubmit={submit}>
        <CheckpointChoice checkpoints={checkpoints} runs={runs} choice={choice} onChoice={onChoice} />
        <Field label="Prompt" error={errors.find(({ field }) => field === "prompt")?.message}>
          {(control) => (
            <textarea
              {...control}
              className="input mono"
              rows={5}
              placeholder="ROMEO:"
              value={settings.prompt}
              onChange={({ target }) => change({ prompt: target.value })}
              onKeyDown={(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.currentTarget.form?.requestSubmit()}
            />
          )}
        </Field>
        <SamplingControls settings={settings} errors={errors} onChange={change} />
        <div className="row">
          <Button kind="primary" type="submit" disabled={settings.prompt === "" || running}>
            <Play size={14} aria-hidden /> {settings.prompt === "" ? "Write a prompt first" : "Generate"}
          </Button>
          {running && (
            <Button onClick={stop}>
              <Square size={14} aria-hidden /> Stop
            </Button>
          )}
          <span className="muted playground-keys">Ctrl + Enter</span>
        </div>
      </form>
      <section className="card" aria-label="Generated text">
        {generation.problem && errors.length === 0 && <ErrorBanner error={generation.problem} />}
        <GeneratedText generation={generation} />
      </section>
    </div>
  );
}
