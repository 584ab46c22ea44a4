import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX, Clock, type LucideIcon } from "lucide-react";
import type { Delivery } from "@/shared/api/types";
import { integer } from "@/shared/format/numbers";
import { ago, exactTime, until } from "@/shared/format/time";
import { Loaded } from "@/shared/ui/Loaded";
import { Notice } from "@/shared/ui/Notice";
import type { Tone } from "@/shared/ui/RunStateBadge";
import { useNow } from "@/shared/useNow";
import { deliveriesQuery, targetsQuery } from "./queries";

const LOOKS: Record<Delivery["state"], readonly [LucideIcon, Tone, string]> = {
  pending: [Clock, "info", "waits"],
  delivered: [CircleCheck, "good", "delivered"],
  dead: [CircleX, "bad", "given up"],
  dropped: [CircleX, "bad", "dropped"],
};

/** Whether notifications have arrived. */
export function DeliveryList() {
  const query = useQuery(deliveriesQuery);
  const { data: targets } = useQuery(targetsQuery);
  const names = new Map(targets?.items.map(({ id, name }) => [id, name]));
  return (
    <section className="card" aria-label="Deliveries">
      <div className="card-head">
        <h2>Deliveries</h2>
        <span className="muted">the newest 50</span>
      </div>
      <Loaded query={query}>{({ items }) => (items.length === 0 ? <Notice title="Nothing was sent yet" /> : <Deliveries items={items} names={names} />)}</Loaded>
    </section>
  );
}

function Deliveries({ items, names }: { items: readonly Delivery[]; names: ReadonlyMap<string, string> }) {
  const now = useNow(5000);
  return (
    <div className="table-scroll">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">To</th>
            <th scope="col">What</th>
            <th scope="col" className="number">Tries</th>
            <th scope="col">Last error</th>
            <th scope="col" className="number">When</th>
          </tr>
        </thead>
        <tbody>
          {items.map((delivery) => (
            <DeliveryRow key={delivery.delivery_id} delivery={delivery} to={names.get(delivery.target_id) ?? "removed"} now={now} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function DeliveryRow({ delivery, to, now }: { delivery: Delivery; to: string; now: number }) {
  const [Icon, tone, word] = LOOKS[delivery.state];
  return (
    <tr>
      <td>
        <span className="badge" data-tone={tone}>
          <Icon size={14} aria-hidden /> {word}
        </span>
      </td>
      <td>{to}</td>
      <td>{delivery.type}</td>
      <td className="number">{integer(delivery.tries)}</td>
      <td className="notification-error">
        {delivery.error}
        {delivery.state === "pending" && delivery.tries > 0 && delivery.next_at && ` (again ${until(delivery.next_at, now)})`}
      </td>
      <td className="number muted" title={exactTime(delivery.created_at)}>
        {ago(delivery.created_at, now)}
      </td>
    </tr>
  );
}
