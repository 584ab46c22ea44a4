import type { Checkpoint } from "@/shared/api/types";
import { AliasDialog } from "./AliasDialog";
import { CompareDialog } from "./CompareDialog";
import { ForkDialog } from "./ForkDialog";
import { RollbackDialog } from "./RollbackDialog";
import { DeleteDialog } from "./DeleteDialog";
import type { Desk } from "./desk";
import type { Asked } from "./useDesk";

interface Props {
  asked: Asked;
  /** As they are now. */
  items: readonly Checkpoint[];
  desk: Desk;
  onClose: () => void;
}

/** The dialog that was asked for. */
export function TaskDialog({ asked: { task, checkpoints, opener }, items, desk, onClose }: Props) {
  const fresh = checkpoints.map((each) => items.find(({ id }) => id === each.id) ?? each);
  const [first, second] = fresh.toSorted((a, b) => a.step - b.step);
  if (!first) return null;
  if (task === "alias") return <AliasDialog checkpoint={first} opener={opener} onSay={desk.say} onClose={onClose} />;
  if (task === "compare") return second && <CompareDialog first={first} second={second} opener={opener} onClose={onClose} />;
  if (task === "fork") return <ForkDialog checkpoint={first} opener={opener} onClose={onClose} />;
  if (task === "rollback") return <RollbackDialog checkpoint={first} opener={opener} onSay={desk.say} onClose={onClose} />;
  const done = () => {
    desk.choose(
      checkpoints.map(({ id }) => id),
      false,
    );
    onClose();
  };
  // What was asked about is what is judged, whatever the list shows meanwhile.
  return <DeleteDialog checkpoints={checkpoints} opener={opener} onSay={desk.say} onDone={done} onClose={onClose} />;
}
