import type { ReactNode } from "react";
import { Button } from "./Button";
import { ErrorBanner } from "./Notice";

interface Props {
  /** What is here, and that it is not all. */
  children: ReactNode;
  label: string;
  older: { mutate: () => void; isPending: boolean; error: unknown };
}

/** Where a list is cut: says so, and gets more. */
export function Older({ children, label, older }: Props) {
  return (
    <div className="older">
      <span className="muted">{children}</span>
      <Button disabled={older.isPending} onClick={() => older.mutate()}>
        {older.isPending ? "Loading…" : label}
      </Button>
      {older.error !== null && <ErrorBanner error={older.error} />}
    </div>
  );
}
