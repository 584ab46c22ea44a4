import "./playground.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { MessageSquareText } from "lucide-react";
import { useEffect, useState } from "react";
import { checkpointsQuery, runsQuery } from "@/shared/api/queries";
import type { Checkpoint, Run } from "@/shared/api/types";
import { Loaded } from "@/shared/ui/Loaded";
import { ErrorBanner, Notice } from "@/shared/ui/Notice";
import { useFirstInvalid } from "@/shared/useFirstInvalid";
import { CheckpointChoice, type Choice } from "./CheckpointChoice";
import { GeneratedText } from "./GeneratedText";
import { PromptForm } from "./PromptForm";
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
  const [sent, setSent] = useState(settings);
  const { container, point } = useFirstInvalid<HTMLDivElement>();
  const { generation, start, stop } = useGeneration(point);
  useEffect(() => keepSettings(settings), [settings]);
  const submit = () => {
    const model = "checkpoint" in choice ? { checkpoint_id: choice.checkpoint } : { run_id: choice.run };
    const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    setSent(settings);
    start({ ...requestOf(settings, seed), ...model });
  };
  const refused = generation.problem?.errors ?? [];
  const errors = refused.filter(({ field }) => settings[field as keyof Settings] === sent[field as keyof Settings]);
  return (
    <div className="playground" ref={container}>
      <PromptForm
        settings={settings}
        errors={errors}
        running={generation.state === "running"}
        onChange={(wish) => setSettings((before) => ({ ...before, ...wish }))}
        onSubmit={submit}
        onStop={stop}
      >
        <CheckpointChoice checkpoints={checkpoints} runs={runs} choice={choice} onChoice={onChoice} />
      </PromptForm>
      <section className="card" aria-label="Generated text">
        {generation.problem && refused.length === 0 && <ErrorBanner error={generation.problem} />}
        <GeneratedText generation={generation} />
      </section>
    </div>
  );
}
