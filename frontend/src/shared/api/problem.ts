import type { FieldError } from "./types";

interface Body {
  code?: string;
  detail?: string;
  remedy?: string;
  errors?: FieldError[];
}

/** What the server refused, or why it could not be asked (`status` 0). */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly remedy = "",
    readonly errors: readonly FieldError[] = [],
  ) {
    super(detail);
  }

  /** Trying again may help: nobody answered, or the service is being restarted. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

export async function problemOf(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => null)) as Body | null;
  const detail = body?.detail ?? `the server answered ${String(response.status)} ${response.statusText}`.trim();
  return new Problem(response.status, body?.code ?? "unknown", detail, body?.remedy ?? "", body?.errors ?? []);
}

export function offline(): Problem {
  return new Problem(0, "offline", "the server does not answer", "check that it runs (./run status) and that this machine is connected");
}

/** A refusal, told apart: what is said at the fields that are shown, and what is left for a banner. `prefix`: of all fields in the body. */
export function refusalOf(thrown: unknown, shown: readonly string[], prefix = ""): { at: ReadonlyMap<string, string>; rest: Problem | null } {
  const at = new Map<string, string>();
  if (thrown === null || thrown === undefined) return { at, rest: null };
  const problem = asProblem(thrown);
  const elsewhere: FieldError[] = [];
  for (const error of problem.errors) {
    const field = error.field.startsWith(prefix) ? error.field.slice(prefix.length) : error.field;
    const place = shown.find((path) => field === path || field.startsWith(`${path}.`));
    if (place === undefined) elsewhere.push(error);
    else at.set(place, at.has(place) ? `${at.get(place) ?? ""}; ${error.message}` : error.message);
  }
  if (elsewhere.length > 0) {
    const told = elsewhere.map(({ field, message }) => `${field}: ${message}`).join("; ");
    return { at, rest: new Problem(problem.status, problem.code, told, problem.remedy, elsewhere) };
  }
  return { at, rest: at.size > 0 ? null : problem };
}

/** Anything that was thrown, in words. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  return new Problem(-1, "unexpected", thrown instanceof Error ? thrown.message : String(thrown), "reload the page; if it stays, it is a bug");
}
