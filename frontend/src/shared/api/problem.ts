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

/** Anything that was thrown, in words. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  return new Problem(-1, "unexpected", thrown instanceof Error ? thrown.message : String(thrown), "reload the page; if it stays, it is a bug");
}
