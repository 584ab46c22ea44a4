import { useState } from "react";
import { integer, percent } from "@/shared/format/numbers";
import { Notice } from "@/shared/ui/Notice";
import { Segments } from "@/shared/ui/Segments";
import { CopyButton } from "@/shared/ui/Snippet";
import type { Generation, Token } from "./useGeneration";

const LOOKS = [
  ["plain", "Plain"],
  ["probability", "Probability"],
] as const;
const LEGEND = [1, 0.5, 0.2, 0.05, 0.01];

/** The text as it comes, each token on a colour that tells how likely it was. */
export function GeneratedText({ generation }: { generation: Generation }) {
  const [look, setLook] = useState<"plain" | "probability">("probability");
  const { state, prompt, tokens, seed, tokensPerSecond } = generation;
  if (state === "idle") return <Notice title="The text appears here" />;
  const text = prompt + tokens.map((token) => token.text).join("");
  return (
    <>
      <div className="card-head">
        <Segments label="Show tokens" value={look} options={LOOKS} onChange={setLook} />
        {look === "probability" && (
          <ul className="legend" aria-label="Colours">
            {LEGEND.map((probability) => (
              <li key={probability} style={styleOf(probability)}>
                {percent(probability)}
              </li>
            ))}
          </ul>
        )}
        <CopyButton text={text} label="Copy the text" />
      </div>
      <div className="card-body">
        <p className="generated mono" data-testid="generated" aria-busy={state === "running"}>
          <span className="prompt">{prompt}</span>
          {look === "plain" ? tokens.map((token) => token.text).join("") : tokens.map((token, index) => <TokenSpan key={index} token={token} />)}
          {state === "running" && <span className="caret" aria-hidden />}
        </p>
        <p className="muted">
          {endText(generation)} · {integer(tokens.length)} tokens
          {tokensPerSecond !== null && ` · ${integer(tokensPerSecond)} tokens/s`}
          {seed !== null && ` · seed ${String(seed)}`}
        </p>
        <Announcement generation={generation} />
      </div>
    </>
  );
}

/** For screen readers: that it writes, and the text once it is whole. */
function Announcement({ generation }: { generation: Generation }) {
  const text = generation.state === "running" ? "" : generation.tokens.map((token) => token.text).join("");
  return (
    <p className="visually-hidden" role="status">
      {endText(generation)}
      {text && `: ${text}`}
    </p>
  );
}

function TokenSpan({ token }: { token: Token }) {
  const { probability } = token;
  return (
    <span style={styleOf(probability)} title={probability === null ? undefined : percent(probability)}>
      {token.text}
    </span>
  );
}

/** Unlikely tokens stand out; the colour is mixed into the ground, so that the text stays readable. */
function styleOf(probability: number | null): { background?: string } {
  if (probability === null) return {};
  const surprise = Math.min(1, -Math.log10(Math.max(probability, 1e-9)) / 2);
  const strength = Math.round(surprise * 45);
  return strength < 3 ? {} : { background: `color-mix(in srgb, var(--warn) ${String(strength)}%, transparent)` };
}

function endText({ state, tokens, finish }: Generation): string {
  if (state === "running") return "writing";
  if (state === "failed") return tokens.length > 0 ? "broke off" : "nothing was written";
  if (finish === "length") return "the length was reached";
  if (finish === "end_of_text") return "the model ended its text";
  return finish || "ended";
}
