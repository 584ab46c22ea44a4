/** Takes every call, and draws nothing. */
export function blankCanvas(): HTMLCanvasElement {
  const canvas: Record<string, unknown> = { width: 600, height: 200, style: {} };
  const told: Record<string, unknown> = { canvas, measureText: () => ({ width: 10 }) };
  const context = new Proxy(told, { get: (own, name: string) => own[name] ?? (() => undefined), set: () => true });
  canvas.getContext = () => context;
  return canvas as unknown as HTMLCanvasElement;
}
