import { knownKeys } from "@/shared/keys";
import { useStore } from "@/shared/store";
import { Button } from "@/shared/ui/Button";
import { Dialog, DialogButtons } from "@/shared/ui/Dialog";

const ON_A_CHART = [
  ["+ − 0", "zoom in, out, show all"],
  ["← →", "move along"],
  [", .", "to the mark before, behind; Enter tells its story"],
  ["Escape", "leave the marks"],
] as const;
const NAMES: Record<string, string> = { " ": "space" };

/** What keys do on the page as it is. */
export default function KeysDialog({ opener, onClose }: { opener: HTMLElement | null; onClose: () => void }) {
  const known = Object.entries(Object.assign({}, ...useStore(knownKeys)) as Record<string, readonly [string]>);
  const charts = known.some(([, [about]]) => about.startsWith("charts:"));
  return (
    <Dialog title="Keys" opener={opener} onClose={onClose}>
      <KeyList keys={known.map(([key, [about]]) => [NAMES[key] ?? key, about])} />
      {charts && (
        <>
          <h3>On a chart that has the focus</h3>
          <KeyList keys={ON_A_CHART} />
        </>
      )}
      <DialogButtons>
        <Button onClick={onClose}>Close</Button>
      </DialogButtons>
    </Dialog>
  );
}

function KeyList({ keys }: { keys: readonly (readonly [string, string])[] }) {
  return (
    <dl className="keys">
      {keys.map(([key, about]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{about}</dd>
        </div>
      ))}
    </dl>
  );
}
