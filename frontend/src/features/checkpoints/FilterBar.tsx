import { useQuery } from "@tanstack/react-query";
import { runsQuery } from "@/shared/api/queries";
import { ONLY, type CheckpointFilter } from "./filter";
import { aliasesQuery } from "./queries";

interface Props {
  filter: CheckpointFilter;
  /** Of all runs, so that one can be chosen. */
  ofAll: boolean;
  onFilter: (filter: CheckpointFilter) => void;
}

export function FilterBar({ filter, ofAll, onFilter }: Props) {
  return (
    <div className="checkpoint-filter">
      {ofAll && <RunChoice filter={filter} onFilter={onFilter} />}
      {ofAll && <AliasChoice filter={filter} onFilter={onFilter} />}
      <div className="row" role="group" aria-label="Show only">
        {ONLY.map((only) => (
          <button
            key={only}
            className="chip"
            type="button"
            aria-pressed={filter.only === only}
            onClick={() => onFilter({ ...filter, only: filter.only === only ? undefined : only })}
          >
            {only}
          </button>
        ))}
      </div>
    </div>
  );
}

type ChoiceProps = Pick<Props, "filter" | "onFilter">;

function RunChoice({ filter, onFilter }: ChoiceProps) {
  const { data } = useQuery(runsQuery({ limit: 200 }));
  const runs = data?.items ?? [];
  const unknown = filter.run !== undefined && !runs.some(({ id }) => id === filter.run);
  return (
    <select className="input" aria-label="Run" value={filter.run ?? ""} onChange={({ target }) => onFilter({ ...filter, run: target.value || undefined })}>
      <option value="">all runs</option>
      {unknown && <option value={filter.run}>{filter.run}</option>}
      {runs.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}

function AliasChoice({ filter, onFilter }: ChoiceProps) {
  const { data } = useQuery(aliasesQuery);
  const known = (data?.items ?? []).map(({ project, name }) => `${project}/${name}`);
  const all = filter.alias === undefined || known.includes(filter.alias) ? known : [filter.alias, ...known];
  if (all.length === 0) return null;
  return (
    <select className="input" aria-label="Alias" value={filter.alias ?? ""} onChange={({ target }) => onFilter({ ...filter, alias: target.value || undefined })}>
      <option value="">any alias or none</option>
      {all.map((reference) => (
        <option key={reference}>{reference}</option>
      ))}
    </select>
  );
}
