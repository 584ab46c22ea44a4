import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { Problem } from "@/shared/api/problem";
import { signedOut } from "./session";

function noteSession(error: unknown): void {
  if (error instanceof Problem && error.status === 401) signedOut.set(true);
}

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noteSession }),
  mutationCache: new MutationCache({ onError: noteSession }),
  defaultOptions: {
    queries: {
      staleTime: 5000,
      networkMode: "always",
      retry: (failures, error) => failures < 2 && error instanceof Problem && error.isPassing,
      retryDelay: (failures) => 500 * 2 ** failures,
    },
    mutations: { networkMode: "always" },
  },
});
