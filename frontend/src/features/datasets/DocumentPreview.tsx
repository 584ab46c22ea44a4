import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, path } from "@/shared/api/client";
import { keys } from "@/shared/api/queries";
import type { DatasetVersion, Document, Page } from "@/shared/api/types";
import { bytes } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { ErrorNotice } from "@/shared/ui/Notice";
import { Skeleton } from "@/shared/ui/Skeleton";

const CUT = 2000;
const PAGE = 20;

/** The beginnings of a version's documents. */
export function DocumentPreview({ version }: { version: DatasetVersion }) {
  const address = path`/api/v1/datasets/${version.dataset}/versions/${version.version}/documents`;
  const [chosen, setChosen] = useState(0);
  const documents = useInfiniteQuery({
    queryKey: [...keys.datasets, "documents", version.id],
    queryFn: ({ pageParam, signal }) => call<Page<Document>>("GET", address, { query: { limit: PAGE, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    staleTime: Infinity,
  });
  if (documents.isError) return <ErrorNotice error={documents.error} onRetry={() => void documents.refetch()} />;
  const items = documents.data?.pages.flatMap((page) => page.items);
  const shown = items?.[chosen];
  return (
    <section className="card preview" aria-label="Preview">
      <div className="preview-list">
        {items ? (
          <DocumentChoice items={items} chosen={chosen} onChoose={setChosen} />
        ) : (
          <div className="card-body">
            <Skeleton lines={5} />
          </div>
        )}
        {documents.hasNextPage && (
          <div className="card-body">
            <Button disabled={documents.isFetchingNextPage} onClick={() => void documents.fetchNextPage()}>
              More documents
            </Button>
          </div>
        )}
      </div>
      {shown && <Beginning document={shown} />}
    </section>
  );
}

interface ChoiceProps {
  items: readonly Document[];
  /** Its place in the list. */
  chosen: number;
  onChoose: (place: number) => void;
}

function DocumentChoice({ items, chosen, onChoose }: ChoiceProps) {
  return (
    <ul aria-label="Documents">
      {items.map(({ index, path: name, bytes: size }, place) => (
        <li key={index}>
          <button type="button" aria-current={place === chosen} onClick={() => onChoose(place)}>
            <span className="clip">{name}</span>
            <span className="muted">{bytes(size)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Beginning({ document: { path: name, text } }: { document: Document }) {
  return (
    <div className="preview-text">
      <p className="muted mono">{name}</p>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must be able to reach it */}
      <pre tabIndex={0} aria-label={`Text of ${name}`}>
        {text}
      </pre>
      {text.length >= CUT && <p className="muted">The first {CUT.toLocaleString("en")} characters.</p>}
    </div>
  );
}
