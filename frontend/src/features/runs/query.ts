/** What the query box means: `state:running project:default shake` filters by state and project, and by "shake" in the name. */
export interface RunFilter {
  q?: string;
  state?: string;
  project?: string;
}

export const STATES = ["queued", "starting", "running", "pausing", "paused", "stopping", "succeeded", "failed", "stopped", "killed"];

export interface ParsedQuery {
  filter: RunFilter;
  /** What was not understood, in words. */
  complaint: string | null;
}

export function parseQuery(text: string): ParsedQuery {
  const filter: RunFilter = {};
  const words: string[] = [];
  let complaint: string | null = null;
  for (const token of text.split(/\s+/).filter(Boolean)) {
    const [key = "", value] = token.split(":", 2);
    if (value === undefined) words.push(token);
    else if (key === "state" && STATES.includes(value)) filter.state = value;
    else if (key === "state") complaint = `there is no state "${value}"; states are ${STATES.join(", ")}`;
    else if (key === "project" && value) filter.project = value;
    else complaint = `"${key}:" is not known; use state: or project:, or part of a name`;
  }
  if (words.length > 0) filter.q = words.join(" ");
  return { filter, complaint };
}
