import { randomId } from "../randomId";
import { offline, problemOf } from "./problem";

export type Query = Record<string, string | number | null | undefined>;

export interface CallOptions {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  /** Repeat with the same key and the server answers as the first time. */
  idempotencyKey?: string;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** JSON in, JSON out. Throws Problem. */
export async function call<T>(method: Method, path: string, options: CallOptions = {}): Promise<T> {
  const response = await send(method, path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** The answer as it comes, for streams. Throws Problem. */
export async function send(method: Method, path: string, { query, body, signal, idempotencyKey }: CallOptions = {}): Promise<Response> {
  const init: RequestInit = { method, headers: headersFor(method, body, idempotencyKey), credentials: "same-origin" };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(withQuery(path, query), init);
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === "AbortError") throw thrown;
    throw offline();
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

export function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

export function path(strings: TemplateStringsArray, ...values: (string | number)[]): string {
  return String.raw({ raw: strings }, ...values.map((value) => encodeURIComponent(value)));
}

function headersFor(method: Method, body: unknown, idempotencyKey: string | undefined): Headers {
  const headers = new Headers({ Accept: "application/json" });
  if (body !== undefined) headers.set("Content-Type", "application/json");
  if (method === "POST") headers.set("Idempotency-Key", idempotencyKey ?? randomId());
  return headers;
}
