import { Link, useRouter, type ErrorComponentProps } from "@tanstack/react-router";
import { SearchX } from "lucide-react";
import { ErrorNotice, Notice } from "@/shared/ui/Notice";

export function NotFoundPage() {
  return (
    <Notice level={1} icon={<SearchX size={28} aria-hidden />} title="There is no such page">
      <p>
        The address may be mistyped. <Link to="/runs">All runs</Link>
      </p>
    </Notice>
  );
}

/** Trying again loads what the page needs anew, its script too. */
export function RouteError({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  return <ErrorNotice error={error} onRetry={() => void router.invalidate().finally(reset)} />;
}
