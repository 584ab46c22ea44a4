import type { Checkpoint } from "@/shared/api/types";
import { useNow } from "@/shared/useNow";
import { CheckpointRow } from "./CheckpointRow";
import type { Desk } from "./desk";

interface Props {
  /** Whose checkpoints these are, for screen readers. */
  name: string;
  items: readonly Checkpoint[];
  desk: Desk;
}

export function CheckpointTable({ name, items, desk }: Props) {
  const now = useNow(10_000);
  return (
    <div className="table-scroll">
      <table className="table checkpoint-table">
        <Head name={name} items={items} desk={desk} />
        {items.map((checkpoint) => (
          <CheckpointRow key={checkpoint.id} checkpoint={checkpoint} now={now} desk={desk} />
        ))}
      </table>
    </div>
  );
}

function Head(props: Props) {
  return (
    <thead>
      <tr>
        <th scope="col">
          <ChooseAll {...props} />
        </th>
        <th scope="col">
          <span className="visually-hidden">Details</span>
        </th>
        <th scope="col" className="number">Step</th>
        <th scope="col" className="number">Loss</th>
        <th scope="col" className="number wide">Val. loss</th>
        <th scope="col" className="number">Size</th>
        <th scope="col" className="checkpoint-state">State</th>
        <th scope="col" className="wide">Saved</th>
        <th scope="col">
          <span className="visually-hidden">Actions</span>
        </th>
      </tr>
    </thead>
  );
}

function ChooseAll({ name, items, desk }: Props) {
  const ids = items.filter(({ state }) => state !== "deleting").map(({ id }) => id);
  const chosen = ids.filter((id) => desk.chosen.has(id)).length;
  return (
    <input
      type="checkbox"
      aria-label={`Choose all checkpoints of ${name}`}
      checked={chosen > 0 && chosen === ids.length}
      ref={(box) => {
        if (box) box.indeterminate = chosen > 0 && chosen < ids.length;
      }}
      onChange={({ target }) => desk.choose(ids, target.checked)}
    />
  );
}
