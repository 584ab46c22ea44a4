import "./logs.css";
import { ArrowDownToLine, Bug, List } from "lucide-react";
import { useRef, useState } from "react";
import { hasEnded } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { useEdited } from "@/shared/edited";
import { integer, plural } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { Loaded } from "@/shared/ui/Loaded";
import { ErrorBanner, Notice } from "@/shared/ui/Notice";
import { Older } from "@/shared/ui/Older";
import { LogBox } from "./LogBox";
import { GoToLine, HitButtons, LogSearch, RankChoice } from "./LogFilter";
import { searches, type LogWindow, type Question } from "./logWindow";
import { useHitKeys, useSeek, type Way } from "./useHits";
import { useLogWindow } from "./useLogWindow";

/** What the address says. line: the log is shown there, else its end, or all that is looked for. */
export interface Shown {
  q: string;
  rank: string;
  line: number | null;
  errors: boolean;
}

interface Props {
  run: Run;
  shown: Shown;
  onShow: (next: Shown) => void;
}

/** What the run's processes wrote. */
export function LogView({ run, shown, onShow }: Props) {
  const { q, rank, line, errors } = shown;
  const [wanted, edited] = useEdited(q, (next) => onShow({ ...shown, q: next, line: null }));
  const question: Question = { runId: run.id, rank, q, errors };
  const listed = searches(question) && line === null;
  const window: Question = listed ? question : { ...question, q: "", errors: false };
  const [follow, setFollow] = useState(!hasEnded(run) && line === null);
  const [chosen, setChosen] = useState<number | null>(null);
  const { query, older, newer } = useLogWindow(run, window, line, follow && line === null);
  const field = useRef<HTMLInputElement>(null);
  const open = (next: number | null) => {
    setFollow(false);
    setChosen(null);
    onShow({ ...shown, line: next });
  };
  const hit = useSeek((found) => (listed ? setChosen(found.line) : open(found.line)));
  const firstError = useSeek((found) => open(found.line));
  const go = (way: Way) => {
    setFollow(false);
    const at = listed ? chosen : line;
    hit.mutate({ question, from: at === null ? 0 : at + (way === "next" ? 1 : 0), way });
  };
  useHitKeys(() => field.current?.focus(), searches(question) ? go : null);
  const ranks = Math.max(1, ...run.attempts.map(({ slots }) => slots.length));
  const view = [rank, line, listed && q, listed && errors].join(" ");
  const follows = follow && line === null;
  return (
    <section className="card" aria-label="Logs">
      <div className="card-head log-head">
        <LogSearch find={wanted} onFind={(next) => edited.edit(next)} field={field} onGo={go} />
        {searches(question) && <HitButtons onGo={go} />}
        {ranks > 1 && <RankChoice ranks={ranks} rank={rank} onRank={(next) => onShow({ ...shown, rank: next })} />}
        <Button aria-pressed={errors} onClick={() => onShow({ ...shown, errors: !errors, line: null })}>
          Errors only
        </Button>
        <Button disabled={firstError.isPending} onClick={() => firstError.mutate({ question: { ...question, q: "", errors: true }, from: 0, way: "next" })}>
          <Bug size={14} aria-hidden /> First error
        </Button>
        <GoToLine line={line} onLine={open} />
        {searches(question) && line !== null && (
          <Button onClick={() => open(null)}>
            <List size={14} aria-hidden /> All hits
          </Button>
        )}
        <Button
          aria-pressed={follows}
          onClick={() => {
            setFollow(!follows);
            if (line !== null) onShow({ ...shown, q: "", errors: false, line: null });
          }}
        >
          <ArrowDownToLine size={14} aria-hidden /> {follows ? "Following" : "Follow"}
        </Button>
        <span className="muted" role="status">
          {firstError.data === null ? "No line tells an error. " : ""}
          {hit.data === null ? "No more hits that way. " : ""}
          {query.data && !query.isPlaceholderData ? told(query.data, listed, newer.isPending) : "Searching…"}
        </span>
        {listed && query.data?.more && !newer.isPending && <Button onClick={() => newer.mutate()}>Search on</Button>}
      </div>
      {[hit.error, firstError.error, newer.error].map((error, index) => error !== null && <ErrorBanner key={index} error={error} />)}
      <Loaded query={query}>
        {({ lines, older: cursor, more }) => (
          <>
            {cursor !== null && (
              <Older label="Load older lines" older={older}>
                From line {integer(lines[0]?.line)} on.
              </Older>
            )}
            {lines.length === 0 ? (
              <Nothing run={run} listed={listed} more={more} />
            ) : (
              <LogBox
                lines={lines}
                view={query.isPlaceholderData ? "" : view}
                find={q}
                showRank={ranks > 1}
                current={listed ? chosen : line}
                begins={listed ? "top" : "end"}
                follow={follows}
                onBack={() => setFollow(false)}
                onOlder={cursor !== null && !older.isPending ? () => older.mutate() : null}
                onNewer={more && !newer.isPending ? () => newer.mutate() : null}
                onOpen={(chosenLine) => open(chosenLine.line)}
              />
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

function Nothing({ run, listed, more }: { run: Run; listed: boolean; more: boolean }) {
  if (listed) return <Notice title={more ? "Nothing found so far" : "Nothing found"}>{more && <p>The search goes on.</p>}</Notice>;
  return (
    <Notice title="No lines yet">
      <p>{hasEnded(run) ? "Its processes wrote nothing." : "What the training processes write appears here."}</p>
    </Notice>
  );
}

function told({ lines, more, next }: LogWindow, listed: boolean, searching: boolean): string {
  if (!listed) return `${plural(lines.length, "line")} loaded`;
  if (!more) return plural(lines.length, "hit");
  return `${plural(lines.length, "hit")} up to line ${integer(next)}${searching ? ", searching on…" : ""}`;
}
