import "./compare.css";
import { Link } from "@tanstack/react-router";
import { GitCompareArrows, X } from "lucide-react";
import { Fragment } from "react";
import type { Estimate, Run } from "@/shared/api/types";
import { integer, plural } from "@/shared/format/numbers";
import { runLooks } from "@/shared/runColour";
import { IconButton } from "@/shared/ui/Button";
import { Swatch } from "@/shared/ui/Swatch";
import { useNow } from "@/shared/useNow";
import { Relation } from "./Relation";
import { against, differing, sectionsOf, type Cell, type Row, type Section } from "./rows";
import { useKnown } from "./useKnown";

interface Props {
  runs: readonly Run[];
  /** Ids of all that are chosen, in the order that gives them their colours. */
  order: readonly string[];
  estimates: Readonly<Record<string, Estimate | null>>;
  /** The run that the others are held against; the first where it is none of them. */
  base: string | undefined;
  /** What is the same too. */
  all: boolean;
  onBase: (id: string) => void;
  onAll: (all: boolean) => void;
  onRemove: (id: string) => void;
}

/** Results, set-up and spec of several runs, side by side. */
export function Configurations({ runs, order, estimates, base, all, onBase, onAll, onRemove }: Props) {
  const sections = sectionsOf(useKnown(runs, estimates), useNow(10_000));
  const looks = runLooks(order);
  const baseline = Math.max(0, runs.findIndex(({ id }) => id === base));
  const same = sections.slice(1).reduce((sum, { rows }) => sum + rows.length - differing(rows).length, 0);
  return (
    <div className="stack">
      <label className="row">
        <input type="checkbox" checked={all} onChange={({ target }) => onAll(target.checked)} />
        Show what is the same too <span className="muted">{plural(same, "field")}</span>
      </label>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, also by keys */}
      <div className="table-scroll card difference" role="region" aria-label="Difference" tabIndex={0}>
        <table className="table configurations">
          <thead>
            <tr>
              <td />
              {runs.map((run, index) => (
                <Head key={run.id} run={run} look={looks.get(run.id)} isBase={index === baseline} onBase={onBase} onRemove={onRemove} />
              ))}
            </tr>
          </thead>
          {sections.map((section, index) => (
            <Body key={section.title} section={section} all={all || index === 0} baseline={baseline} columns={runs.length + 1} />
          ))}
        </table>
      </div>
      <Relation runs={runs} looks={looks} sections={sections} />
    </div>
  );
}

interface HeadProps extends Pick<Props, "onBase" | "onRemove"> {
  run: Run;
  look: Parameters<typeof Swatch>[0] | undefined;
  isBase: boolean;
}

function Head({ run: { id, name }, look, isBase, onBase, onRemove }: HeadProps) {
  return (
    <th scope="col">
      <span className="row">
        {look && <Swatch {...look} />}
        <Link to="/runs/$runId/$tab" params={{ runId: id, tab: "config" }}>
          {name}
        </Link>
        <IconButton label={`Take ${name} out of the comparison`} onClick={() => onRemove(id)}>
          <X size={12} aria-hidden />
        </IconButton>
      </span>
      <label className="baseline">
        <input type="radio" name="baseline" checked={isBase} onChange={() => onBase(id)} />
        baseline<span className="visually-hidden"> is {name}</span>
      </label>
    </th>
  );
}

function Body({ section: { title, rows }, all, baseline, columns }: { section: Section; all: boolean; baseline: number; columns: number }) {
  const shown = all ? rows : differing(rows);
  return (
    <tbody>
      <tr className="section">
        <th scope="rowgroup" colSpan={columns}>
          {title}
          {shown.length === 0 && <span className="muted"> all the same</span>}
        </th>
      </tr>
      {shown.map((row) => (
        <Line key={row.name} row={row} baseline={baseline} />
      ))}
    </tbody>
  );
}

function Line({ row: { name, cells }, baseline }: { row: Row; baseline: number }) {
  const base = cells[baseline];
  return (
    <tr>
      <th scope="row" className="mono">
        {name}
      </th>
      {cells.map((cell, index) => (
        <Value key={index} cell={cell} word={base && index !== baseline ? against(cell, base) : null} />
      ))}
    </tr>
  );
}

function Value({ cell: { text, changes }, word }: { cell: Cell; word: string | null }) {
  return (
    <td data-differs={word !== null || undefined}>
      <span className="value">{text}</span>
      {changes.map(({ step, text: next }) => (
        <Fragment key={step}>
          {" "}
          <span className="change">
            → {next} from step {integer(step + 1)}
          </span>
        </Fragment>
      ))}
      {word !== null && (
        <span className="differs">
          <GitCompareArrows size={12} aria-hidden /> {word}
        </span>
      )}
    </td>
  );
}
