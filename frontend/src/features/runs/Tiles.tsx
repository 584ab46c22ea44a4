import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { runsQuery, workersQuery } from "@/shared/api/queries";
import type { Page, Run } from "@/shared/api/types";
import { ProgressBar } from "@/shared/ui/ProgressBar";
import { useNow } from "@/shared/useNow";
import { slotsOnline } from "@/shared/workers/slots";

const DAY_MS = 86_400_000;
const MOST = 200;

export function Tiles() {
  const now = useNow(60_000);
  const running = useQuery(runsQuery({ state: "running", limit: MOST }));
  const queued = useQuery(runsQuery({ state: "queued", limit: MOST }));
  const failed = useQuery(runsQuery({ state: "failed", limit: MOST }));
  const lately = failed.data?.items.filter(({ ended_at }) => ended_at !== null && now - Date.parse(ended_at) < DAY_MS);
  return (
    <ul className="tiles" aria-label="Overview">
      <Tile name="Running" value={count(running.data)} link={<Link to="/runs" search={{ q: "state:running" }}>Show running runs</Link>} />
      <Tile name="Queued" value={count(queued.data)} link={<Link to="/runs" search={{ q: "state:queued" }}>Show queued runs</Link>} />
      <SlotsTile />
      <Tile
        name="Failed in 24 h"
        value={lately ? String(lately.length) : "–"}
        tone={lately?.length ? "bad" : undefined}
        link={<Link to="/runs" search={{ q: "state:failed" }}>Show failed runs</Link>}
      />
    </ul>
  );
}

function count(page: Page<Run> | undefined): string {
  if (!page) return "–";
  return page.next_cursor === null ? String(page.items.length) : `${String(MOST)}+`;
}

function SlotsTile() {
  const { data } = useQuery(workersQuery);
  const slots = data && slotsOnline(data.items);
  const busy = slots?.filter(({ run_id }) => run_id !== null).length ?? 0;
  return (
    <Tile
      name="Slots busy"
      value={slots ? `${String(busy)} / ${String(slots.length)}` : "–"}
      link={<Link to="/cluster">Show the cluster</Link>}
      tone={slots?.length === 0 ? "bad" : undefined}
    >
      {slots && slots.length > 0 && <ProgressBar label="Slots busy" share={busy / slots.length} />}
      {slots?.length === 0 && <small>no worker is online</small>}
    </Tile>
  );
}

interface TileProps {
  name: string;
  value: string;
  link: ReactNode;
  tone?: "bad" | undefined;
  children?: ReactNode;
}

function Tile({ name, value, link, tone, children }: TileProps) {
  return (
    <li className="tile card" data-tone={tone}>
      <span className="muted">{name}</span>
      <strong>{value}</strong>
      {children}
      {link}
    </li>
  );
}
