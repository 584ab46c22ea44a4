import "./logs.css";
import { hasEnded } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { integer } from "@/shared/format/numbers";
import { Loaded } from "@/shared/ui/Loaded";
import { ErrorBanner, Notice } from "@/shared/ui/Notice";
import { Older } from "@/shared/ui/Older";
import { LogBox } from "./LogBox";
import { LogToolbar } from "./LogToolbar";
import type { LogWindow } from "./logWindow";
import { useLog, type Log, type OnShow, type Shown } from "./useLog";

interface Props {
  run: Run;
  shown: Shown;
  onShow: OnShow;
}

/** What the run's processes wrote. */
export function LogView({ run, shown, onShow }: Props) {
  const log = useLog(run, shown, onShow);
  const { query, newer, hit, firstError } = log;
  const ranks = Math.max(1, ...run.attempts.map(({ slots }) => slots.length));
  return (
    <section className="card" aria-label="Logs">
      <LogToolbar shown={shown} onShow={onShow} log={log} ranks={ranks} />
      {[hit.error, firstError.error, newer.error].map((error, index) => error !== null && <ErrorBanner key={index} error={error} />)}
      <Loaded query={query}>
        {(window) =>
          window.lines.length > 0 ? (
            <Lines shown={shown} log={log} window={window} showRank={ranks > 1} />
          ) : (
            <Nothing run={run} listed={log.listed} more={window.more} />
          )
        }
      </Loaded>
    </section>
  );
}

interface LinesProps {
  shown: Shown;
  log: Log;
  window: LogWindow;
  showRank: boolean;
}

function Lines({ shown: { q, rank, line, errors }, log, window: { lines, older: cursor, more }, showRank }: LinesProps) {
  const { query, older, newer, listed } = log;
  const view = [rank, line, listed && q, listed && errors].join(" ");
  return (
    <>
      {cursor !== null && (
        <Older label="Load older lines" older={older}>
          From line {integer(lines[0]?.line)} on.
        </Older>
      )}
      <LogBox
        lines={lines}
        view={query.isPlaceholderData ? "" : view}
        find={q}
        showRank={showRank}
        current={log.current}
        begins={listed ? "top" : "end"}
        follow={log.follows}
        onBack={log.stopFollowing}
        onOlder={cursor !== null && !older.isPending ? () => older.mutate() : null}
        onNewer={more && !newer.isPending ? () => newer.mutate() : null}
        onOpen={(opened) => log.open(opened.line)}
      />
    </>
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
