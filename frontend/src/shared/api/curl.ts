/** A command that submits a run spec; the token is taken from the reader's environment. */
export function submitCommand(spec: Readonly<Record<string, unknown>>, origin: string): string {
  const body = JSON.stringify(spec, null, 2).replaceAll("'", String.raw`'\''`);
  return `curl ${origin}/api/v1/runs \\\n  -H "Authorization: Bearer $GROUNDUP_TOKEN" \\\n  -H "Content-Type: application/json" \\\n  -d '${body}'`;
}
