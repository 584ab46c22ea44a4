import { typedText } from "@/shared/kept";

/** What was typed, as text, so that it survives a reload as it was. */
export interface Settings {
  prompt: string;
  max_new_tokens: string;
  temperature: string;
  top_k: string;
  top_p: string;
  seed: string;
}

export const DEFAULTS: Settings = { prompt: "", max_new_tokens: "200", temperature: "0.8", top_k: "", top_p: "", seed: "" };

export function keptSettings(): Settings {
  try {
    return { ...DEFAULTS, ...(JSON.parse(typedText.read("playground") ?? "{}") as Partial<Settings>) };
  } catch {
    return DEFAULTS;
  }
}

export function keepSettings(settings: Settings): void {
  typedText.write("playground", JSON.stringify(settings));
}

/** What is sent. What is no number goes as it was typed, and the server says what is wrong with it. */
export function requestOf({ prompt, ...numbers }: Settings, seed: number): Record<string, unknown> {
  const request: Record<string, unknown> = { prompt };
  for (const [name, text] of Object.entries(numbers)) {
    const trimmed = text.trim();
    if (trimmed !== "") request[name] = Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
  }
  return { ...request, seed: request.seed ?? seed };
}
