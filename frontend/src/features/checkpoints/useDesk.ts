import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { meQuery } from "@/shared/api/queries";
import type { Checkpoint } from "@/shared/api/types";
import type { Desk, Task } from "./desk";

export interface Asked {
  task: Task;
  checkpoints: readonly Checkpoint[];
  opener: HTMLElement | null;
}

/** The desk, and what was asked for and said at it. */
export function useDesk() {
  const { data: me } = useQuery(meQuery);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<Asked | null>(null);
  const [said, say] = useState("");
  const mayWrite = me !== undefined && me.role !== "viewer";
  const desk = useMemo<Desk>(
    () => ({
      mayWrite,
      chosen,
      choose: (ids, on) =>
        setChosen((before) => {
          const after = new Set(before);
          for (const id of ids) if (on) after.add(id);
          else after.delete(id);
          return after;
        }),
      ask: (task, checkpoints, opener) => setAsked({ task, checkpoints, opener }),
      say,
    }),
    [mayWrite, chosen],
  );
  return { desk, asked, said, close: () => setAsked(null) };
}
