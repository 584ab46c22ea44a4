import "./room.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ToldBadge } from "./ToldBadge";
import { LEVELS } from "./levels";
import { usageQuery } from "./queries";

/** Where else than on their own page: only when the room for checkpoints gets short. */
export function RoomWarning() {
  const { data } = useQuery(usageQuery);
  if (data === undefined || data.level === "ok") return null;
  return (
    <div className="banner" data-tone={data.level === "full" ? undefined : "warn"} role="status">
      <ToldBadge told={{ ...LEVELS[data.level], about: data.message }} />
      <span className="room-message">{data.message}.</span>
      <Link to="/checkpoints">Show checkpoints</Link>
    </div>
  );
}
