import { ArrowDownToLine, Bug, List } from "lucide-react";
import { useRef } from "react";
import { useEdited } from "@/shared/edited";
import { integer, plural } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { GoToLine, HitButtons, LogSearch, RankChoice } from "./LogFilter";
import type { LogWindow } from "./logWindow";
import { useHitKeys } from "./useHits";
import type { Log, OnShow, Shown } from "./useLog";

interface Props {
  shown: Shown;
  onShow: OnShow;
  log: Log;
  ranks: number;
}

/** Which lines are shown, and what came of it. */
export function LogToolbar({ shown, onShow, log, ranks }: Props) {
  const { q, rank, line, errors } = shown;
  const { searching, follows, firstError, go, open } = log;
  const [wanted, edited] = useEdited(q, (next) => onShow({ ...shown, q: next, line: null }));
  const field = useRef<HTMLInputElement>(null);
  useHitKeys(() => field.current?.focus(), searching ? go : null);
  return (
    <div className="card-head log-head">
      <LogSearch find={wanted} onFind={(next) => edited.edit(next)} field={field} onGo={go} />
      {searching && <HitButtons onGo={go} />}
      {ranks > 1 && <RankChoice ranks={ranks} rank={rank} onRank={(next) => onShow({ ...shown, rank: next })} />}
      <Button aria-pressed={errors} onClick={() => onShow({ ...shown, errors: !errors, line: null })}>
        Errors only
      </Button>
      <Button disabled={firstError.isPending} onClick={log.goToFirstError}>
        <Bug size={14} aria-hidden /> First error
      </Button>
      <GoToLine line={line} onLine={open} />
      {searching && line !== null && (
        <Button onClick={() => open(null)}>
          <List size={14} aria-hidden /> All hits
        </Button>
      )}
      <Button aria-pressed={follows} onClick={log.toggleFollow}>
        <ArrowDownToLine size={14} aria-hidden /> {follows ? "Following" : "Follow"}
      </Button>
      <LogStatus log={log} />
    </div>
  );
}

/** Only what somebody asked for is read aloud: lines come without end. */
export function LogStatus({ log: { query, newer, hit, firstError, listed } }: { log: Pick<Log, "query" | "newer" | "hit" | "firstError" | "listed"> }) {
  const found = query.isPlaceholderData ? undefined : query.data;
  return (
    <>
      <span className="muted" role="status">
        {firstError.data === null ? "No line tells an error. " : ""}
        {hit.data === null ? "No more hits that way. " : ""}
        {!found && "Searching…"}
        {found && listed && told(found, newer.isPending)}
      </span>
      {found && !listed && <span className="muted">{plural(found.lines.length, "line")} loaded</span>}
      {listed && query.data?.more && !newer.isPending && <Button onClick={() => newer.mutate()}>Search on</Button>}
    </>
  );
}

function told({ lines, more, next }: LogWindow, searching: boolean): string {
  if (!more) return plural(lines.length, "hit");
  return `${plural(lines.length, "hit")} up to line ${integer(next)}${searching ? ", searching on…" : ""}`;
}
