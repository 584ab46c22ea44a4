/** Runs that are chosen to be compared, in the order in which they were, and which of them are not to be seen. */
export interface Choice {
  runs: readonly string[];
  hidden: readonly string[];
}

/** How an address says it. */
export type ChoiceSearch = Partial<Record<(typeof CHOICE_SEARCH)[number], string>>;
export const CHOICE_SEARCH = ["runs", "hidden"] as const;

/** Each has a topic of its own on the socket, which takes a hundred, and a curve on every chart. */
export const MOST_RUNS = 20;

export function choiceOf({ runs, hidden }: ChoiceSearch): Choice {
  const chosen = [...new Set(idsOf(runs))];
  return { runs: chosen.slice(0, MOST_RUNS), hidden: idsOf(hidden).filter((id) => chosen.includes(id)) };
}

/** Without what is empty. */
export function choiceSearch({ runs, hidden }: Choice): ChoiceSearch {
  const search: ChoiceSearch = {};
  const unseen = hidden.filter((id) => runs.includes(id));
  if (runs.length > 0) search.runs = runs.join();
  if (unseen.length > 0) search.hidden = unseen.join();
  return search;
}

export function withChosen({ runs, hidden }: Choice, id: string, on: boolean): Choice {
  const others = runs.filter((each) => each !== id);
  return { runs: on ? [...others, id].slice(0, MOST_RUNS) : others, hidden: hidden.filter((each) => each !== id) };
}

export function withHidden({ runs, hidden }: Choice, id: string, on: boolean): Choice {
  const others = hidden.filter((each) => each !== id);
  return { runs, hidden: on ? [...others, id] : others };
}

function idsOf(text: string | undefined): string[] {
  return (text ?? "").split(",").filter(Boolean);
}
