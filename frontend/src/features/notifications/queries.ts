import { queryOptions } from "@tanstack/react-query";
import { call } from "@/shared/api/client";
import { keys } from "@/shared/api/queries";
import type { Delivery, NotificationTarget, NotificationTopic, Page } from "@/shared/api/types";

export const TOPICS: readonly (readonly [NotificationTopic, string])[] = [
  ["alert.critical", "critical alerts"],
  ["alert.warning", "warnings"],
  ["alert.info", "hints"],
  ["alert.cleared", "alerts that have passed"],
  ["run.failed", "failed runs"],
  ["run.succeeded", "succeeded runs"],
  ["run.stopped", "stopped runs"],
  ["run.killed", "killed runs"],
];

export const DEFAULT_TOPICS: readonly NotificationTopic[] = ["alert.critical", "alert.warning", "run.failed"];

export const targetsQuery = queryOptions({
  queryKey: [...keys.notifications, "targets"],
  queryFn: ({ signal }) => call<Page<NotificationTarget>>("GET", "/api/v1/notifications", { signal }),
  refetchInterval: 5000,
});

/** The newest; they change by themselves as long as one waits. */
export const deliveriesQuery = queryOptions({
  queryKey: [...keys.notifications, "deliveries"],
  queryFn: ({ signal }) => call<Page<Delivery>>("GET", "/api/v1/notifications/deliveries", { query: { limit: 50 }, signal }),
  refetchInterval: ({ state }) => (state.data?.items.some((delivery) => delivery.state === "pending") ? 1500 : 10_000),
});
