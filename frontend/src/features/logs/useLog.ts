import { useEffect, useState } from "react";
import { hasEnded } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { searches, type Question } from "./logWindow";
import { useSeek, type Way } from "./useHits";
import { useLogWindow } from "./useLogWindow";

/** What the address says. line: the log is shown there, else its end, or all that is looked for. */
export interface Shown {
  q: string;
  rank: string;
  line: number | null;
  errors: boolean;
}

export type OnShow = (next: Shown) => void;
export type Log = ReturnType<typeof useLog>;

/** The lines that are shown of a run's log, and the ways from there to others. */
export function useLog(run: Run, shown: Shown, onShow: OnShow) {
  const { q, rank, line, errors } = shown;
  const question: Question = { runId: run.id, rank, q, errors };
  const searching = searches(question);
  const listed = searching && line === null;
  const [following, setFollowing] = useState(!hasEnded(run) && line === null);
  const [chosen, setChosen] = useState<number | null>(null);
  const follows = following && line === null;
  const loaded = useLogWindow(run, listed ? question : { ...question, q: "", errors: false }, line, follows);
  const open = (next: number | null) => {
    setFollowing(false);
    setChosen(null);
    onShow({ ...shown, line: next });
  };
  const hit = useSeek((found) => (listed ? setChosen(found.line) : open(found.line)));
  const firstError = useSeek((found) => open(found.line));
  useForgotten(hit.reset, firstError.reset, JSON.stringify([question, line]));
  const current = listed ? chosen : line;
  const go = (way: Way) => {
    setFollowing(false);
    hit.mutate({ question, from: current === null ? 0 : current + (way === "next" ? 1 : 0), way });
  };
  const goToFirstError = () => firstError.mutate({ question: { ...question, q: "", errors: true }, from: 0, way: "next" });
  const toggleFollow = () => {
    setFollowing(!follows);
    if (line !== null) onShow({ ...shown, q: "", errors: false, line: null });
  };
  const stopFollowing = () => setFollowing(false);
  /** searching: for words or errors; listed: only what is found is shown. */
  const state = { searching, listed, follows, current };
  return { ...loaded, ...state, hit, firstError, open, go, goToFirstError, toggleFollow, stopFollowing };
}

/** What came of looking for lines is told until something else is asked for. */
function useForgotten(resetHit: () => void, resetFirstError: () => void, asked: string): void {
  useEffect(() => {
    resetHit();
    resetFirstError();
  }, [asked, resetHit, resetFirstError]);
}
