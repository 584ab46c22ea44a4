import { CircleAlert, CloudOff, Info, SearchX, ShieldAlert } from "lucide-react";
import type { ReactNode } from "react";
import { asProblem } from "../api/problem";
import { Button } from "./Button";

interface NoticeProps {
  icon?: ReactNode;
  title: string;
  /** Of the heading: 1 where the notice is the whole page. */
  level?: 1 | 2;
  children?: ReactNode;
}

/** The middle of an empty page: what is not there, and what to do. */
export function Notice({ icon, title, level = 2, children }: NoticeProps) {
  const Heading = level === 1 ? "h1" : "h2";
  return (
    <div className="notice">
      {icon}
      <Heading>{title}</Heading>
      {children}
    </div>
  );
}

function titleOf(status: number): string {
  if (status === 0) return "The server does not answer";
  if (status === 403) return "You may not see this";
  if (status === 404) return "Not found";
  if (status >= 502) return "A service is being restarted";
  return "That did not work";
}

function iconOf(status: number): ReactNode {
  if (status === 0 || status >= 502) return <CloudOff size={28} aria-hidden />;
  if (status === 403) return <ShieldAlert size={28} aria-hidden />;
  return status === 404 ? <SearchX size={28} aria-hidden /> : <CircleAlert size={28} aria-hidden />;
}

/** In place of what could not be loaded. */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = asProblem(error);
  return (
    <div role="alert">
      <Notice icon={iconOf(problem.status)} title={titleOf(problem.status)}>
        <p>{problem.message}</p>
        {problem.remedy && <p>{problem.remedy}</p>}
        {onRetry && <Button onClick={onRetry}>Try again</Button>}
      </Notice>
    </div>
  );
}

/** Above what is still shown, where something with it failed. */
export function ErrorBanner({ error }: { error: unknown }) {
  const problem = asProblem(error);
  return (
    <div className="banner" role="alert">
      <CircleAlert size={16} aria-hidden />
      <span>{problem.message}</span>
      {problem.remedy && <span className="muted">{problem.remedy}</span>}
    </div>
  );
}

export function InfoBanner({ children }: { children: ReactNode }) {
  return (
    <div className="banner" data-tone="info">
      <Info size={16} aria-hidden />
      <span>{children}</span>
    </div>
  );
}
