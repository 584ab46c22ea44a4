const whole = new Intl.NumberFormat("en");
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const NONE = "–";

export function integer(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : whole.format(Math.round(value));
}

/** 1234567 -> "1.23 M" */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const scale = [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]] as const;
  const found = scale.find(([size]) => Math.abs(value) >= size);
  return found ? `${(value / found[0]).toPrecision(3)} ${found[1]}` : String(Number(value.toPrecision(3)));
}

/** A measured value: four significant digits, no "1.000e+0" for what is readable as it is. */
export function measure(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return size >= 1000 ? whole.format(Math.round(value)) : value.toPrecision(4);
}

export function loss(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : Number.isFinite(value) ? value.toFixed(4) : "NaN";
}

/** 1234567 -> "1.23 MB", in the units of the server's sentences and of the command line. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  let unit = 0;
  let size = value;
  // What would be rounded to 1000 is 1.00 of the next.
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? whole.format(size) : size.toPrecision(3)} ${UNITS[unit] ?? ""}`;
}

export function percent(share: number): string {
  const value = Math.min(Math.max(share, 0), 1) * 100;
  return `${value < 10 && value > 0 ? value.toFixed(1) : String(Math.floor(value))} %`;
}

/** `plural(1, "file")` -> "1 file" */
export function plural(count: number, noun: string): string {
  return `${whole.format(count)} ${noun}${count === 1 ? "" : "s"}`;
}
