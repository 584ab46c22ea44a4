import { Link } from "@tanstack/react-router";
import { GitCompareArrows, X } from "lucide-react";
import { choiceSearch, type Choice } from "@/shared/choice";
import { plural } from "@/shared/format/numbers";
import { IconButton } from "@/shared/ui/Button";

const NONE: Choice = { runs: [], hidden: [] };

/** What can be done with the runs that are chosen. */
export function ChosenRuns({ choice, onChoose }: { choice: Choice; onChoose: (choice: Choice) => void }) {
  const count = choice.runs.length;
  return (
    <div className="chosen-bar card row" role="region" aria-label="Chosen runs">
      <span>
        <strong>{plural(count, "run")}</strong> chosen{choice.hidden.length > 0 && `, ${String(choice.hidden.length)} of them hidden`}
      </span>
      <span className="row">
        <Link to="/compare" search={choiceSearch(choice)} className="button" data-kind="primary">
          <GitCompareArrows size={14} aria-hidden /> Compare {count}
        </Link>
        <IconButton label="Choose none" onClick={() => onChoose(NONE)}>
          <X size={14} aria-hidden />
        </IconButton>
      </span>
    </div>
  );
}
