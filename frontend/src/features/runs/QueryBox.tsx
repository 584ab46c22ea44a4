import { CircleAlert, Search } from "lucide-react";
import { useEdited } from "@/shared/edited";

const QUICK = ["state:running", "state:queued", "state:failed"];

interface Props {
  query: string;
  complaint: string | null;
  onQuery: (query: string) => void;
}

export function QueryBox({ query, complaint, onQuery }: Props) {
  const [text, edited] = useEdited(query, onQuery);
  return (
    <div className="query">
      <search className="query-box">
        <Search size={14} aria-hidden />
        <input
          className="input"
          type="search"
          aria-label="Find runs"
          aria-invalid={complaint ? true : undefined}
          aria-describedby={complaint ? "query-complaint" : undefined}
          placeholder="Find by name, state:running, project:…"
          value={text}
          onChange={({ target }) => edited.edit(target.value)}
        />
      </search>
      <div className="row" role="group" aria-label="Quick filters">
        {QUICK.map((token) => (
          <button key={token} className="chip" type="button" aria-pressed={text === token} onClick={() => edited.put(text === token ? "" : token)}>
            {token.slice("state:".length)}
          </button>
        ))}
      </div>
      {complaint && (
        <p className="field-error" id="query-complaint" role="status">
          <CircleAlert size={12} aria-hidden /> {complaint}
        </p>
      )}
    </div>
  );
}
