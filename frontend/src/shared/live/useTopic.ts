import { useEffect, useRef } from "react";
import { live } from "./connection";
import type { TopicHandlers } from "./topics";

/** Follow a topic while the component is there. The handlers may be new with every render. */
export function useTopic(topic: string, handlers: TopicHandlers): void {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(
    () =>
      live.subscribe(topic, {
        onEvents: (items) => latest.current.onEvents(items),
        onHistory: () => latest.current.onHistory(),
      }),
    [topic],
  );
}
