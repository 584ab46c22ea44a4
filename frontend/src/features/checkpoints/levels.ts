import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import type { CheckpointUsage } from "@/shared/api/types";
import type { Told } from "./words";

/** How much room the checkpoints have left, in words. */
export const LEVELS: Record<CheckpointUsage["level"], Omit<Told, "about">> = {
  ok: { icon: CircleCheck, tone: "good", text: "enough room" },
  warning: { icon: TriangleAlert, tone: "warn", text: "little room" },
  full: { icon: CircleAlert, tone: "bad", text: "full" },
};
