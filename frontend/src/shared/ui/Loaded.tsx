import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorBanner, ErrorNotice } from "./Notice";
import { Skeleton } from "./Skeleton";

interface Props<T> {
  query: UseQueryResult<T>;
  skeleton?: ReactNode;
  children: (data: T) => ReactNode;
}

/** What a query brings, or how far it is: skeleton, problem with a way on, or the data with a word when it could not be refreshed. */
export function Loaded<T>({ query, skeleton, children }: Props<T>) {
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && <ErrorBanner error={query.error} />}
        {children(query.data)}
      </>
    );
  }
  if (query.isError) return <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />;
  return (
    skeleton ?? (
      <div className="card-body">
        <Skeleton lines={4} />
      </div>
    )
  );
}
