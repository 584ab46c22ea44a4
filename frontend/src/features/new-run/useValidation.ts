import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call } from "@/shared/api/client";
import type { Validation } from "@/shared/api/types";
import { toSpec, type Draft } from "./draft";

const TYPING_MS = 350;

/** What the server thinks of the draft, a moment after the last change. */
export function useValidation(draft: Draft) {
  const [settled, setSettled] = useState(draft);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(draft), TYPING_MS);
    return () => clearTimeout(timer);
  }, [draft]);
  const query = useQuery({
    queryKey: ["validate", settled],
    queryFn: ({ signal }) => call<Validation>("POST", "/api/v1/runs/validate", { body: toSpec(settled), signal }),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
  const refused = settled === draft && !query.isPlaceholderData && query.data?.valid === false;
  /** Asks again before it says so, as what was missing may be there by now; a draft not asked about yet is not known to be wrong. */
  const isWrong = async () => refused && (await query.refetch()).data?.valid === false;
  return { query, isWrong };
}
