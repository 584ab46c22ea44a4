import { Suspense, lazy, useState } from "react";
import { useKeys } from "@/shared/keys";

const KeysDialog = lazy(() => import("./KeysDialog"));

/** `?` tells which keys work here. */
export function KeysHelp() {
  const [opener, setOpener] = useState<{ element: HTMLElement | null } | null>(null);
  useKeys({ "?": ["these keys", () => setOpener({ element: document.activeElement instanceof HTMLElement ? document.activeElement : null })] });
  if (!opener) return null;
  return (
    <Suspense>
      <KeysDialog opener={opener.element} onClose={() => setOpener(null)} />
    </Suspense>
  );
}
