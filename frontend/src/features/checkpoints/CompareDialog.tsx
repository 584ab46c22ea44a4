import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { runQuery } from "@/shared/api/queries";
import type { Checkpoint, Run } from "@/shared/api/types";
import { bytes, integer, measure, short } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { Dialog, DialogButtons } from "@/shared/ui/Dialog";
import { ErrorBanner } from "@/shared/ui/Notice";
import { Skeleton } from "@/shared/ui/Skeleton";
import { configurationOf, differences } from "@/shared/configuration";
import { nameOf } from "./words";

interface Props {
  first: Checkpoint;
  second: Checkpoint;
  opener: HTMLElement | null;
  onClose: () => void;
}

/** Two checkpoints side by side: what was measured, and where their runs' configurations differ. */
export function CompareDialog({ first, second, opener, onClose }: Props) {
  return (
    <Dialog title="Compare two checkpoints" opener={opener} wide onClose={onClose}>
      <Measured first={first} second={second} />
      <h3>Configuration</h3>
      {first.run_id === second.run_id ? (
        <p className="muted">Both are of run {first.run_name}, so it is the same.</p>
      ) : (
        <Configurations first={first} second={second} />
      )}
      <DialogButtons>
        <Button onClick={onClose}>Close</Button>
      </DialogButtons>
    </Dialog>
  );
}

type Pair = Pick<Props, "first" | "second">;

function Measured({ first, second }: Pair) {
  const metrics = [...new Set([...Object.keys(first.metrics), ...Object.keys(second.metrics)])].sort();
  return (
    <Comparison label="Measured" names={[nameOf(first), nameOf(second), "change"]}>
      <Row name="step" values={[integer(first.step), integer(second.step), signed(second.step - first.step, integer)]} />
      <Row name="tokens" values={[short(first.tokens), short(second.tokens), signed(second.tokens - first.tokens, short)]} />
      <Row name="size" values={[bytes(first.bytes), bytes(second.bytes), signed(second.bytes - first.bytes, bytes)]} />
      {metrics.map((name) => {
        const [before, after] = [first.metrics[name], second.metrics[name]];
        const change = before === undefined || after === undefined ? "–" : signed(after - before, measure);
        return <Row key={name} name={name} values={[measure(before), measure(after), change]} />;
      })}
    </Comparison>
  );
}

function Configurations({ first, second }: Pair) {
  const runs = [useQuery(runQuery(first.run_id)), useQuery(runQuery(second.run_id))] as const;
  const [before, after] = runs.map(({ data }: UseQueryResult<Run>) => data);
  if (!before || !after) {
    const failed = runs.find(({ isError }) => isError);
    return failed ? <ErrorBanner error={failed.error} /> : <Skeleton lines={3} />;
  }
  const found = differences(configurationOf(before), configurationOf(after)).filter(({ path }) => path !== "name");
  if (found.length === 0) return <p className="muted">Beside their names the two runs are configured the same.</p>;
  return (
    <Comparison label="Configuration" names={[before.name, after.name]}>
      {found.map(({ path, before: old, after: now }) => (
        <Row key={path} name={path} values={[old, now]} />
      ))}
    </Comparison>
  );
}

function Comparison({ label, names, children }: { label: string; names: readonly string[]; children: ReactNode }) {
  return (
    <div className="table-scroll">
      <table className="table comparison" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">Name</span>
            </th>
            {names.map((name) => (
              <th key={name} scope="col" className="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function Row({ name, values }: { name: string; values: readonly string[] }) {
  return (
    <tr>
      <th scope="row" className="mono">
        {name}
      </th>
      {values.map((value, index) => (
        <td key={index} className="number">
          {value}
        </td>
      ))}
    </tr>
  );
}

function signed(change: number, text: (value: number) => string): string {
  if (change === 0) return "same";
  return `${change > 0 ? "+" : "−"}${text(Math.abs(change))}`;
}
