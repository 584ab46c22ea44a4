import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { VIEW_SEARCH } from "@/features/charts/address";
import { runQuery } from "@/shared/api/queries";
import { CHOICE_SEARCH, choiceOf } from "@/shared/choice";
import { NotFoundPage, RouteError } from "./ErrorPages";
import { preloadTab } from "./RunTab";
import { Shell } from "./Shell";
import { queryClient } from "./queryClient";

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The named search parameters that are there. */
function only<K extends string>(search: Record<string, unknown>, ...names: K[]): Partial<Record<K, string>> {
  const found: Partial<Record<K, string>> = {};
  for (const name of names) {
    const value = text(search[name]);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's own way
    throw redirect({ to: "/runs", replace: true });
  },
});

const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  validateSearch: (search) => only(search, "q", ...CHOICE_SEARCH),
  component: lazyRouteComponent(() => import("./pages/RunsPage")),
});

const newRun = createRoute({
  getParentRoute: () => root,
  path: "/runs/new",
  validateSearch: (search) => only(search, "preset", "from", "dataset", "view"),
  component: lazyRouteComponent(() => import("./pages/NewRunPage")),
});

const runHome = createRoute({
  getParentRoute: () => root,
  path: "/runs/$runId",
  beforeLoad: ({ params }) => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's own way
    throw redirect({ to: "/runs/$runId/$tab", params: { runId: params.runId, tab: "charts" }, replace: true });
  },
});

const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$runId/$tab",
  validateSearch: (search) => only(search, ...VIEW_SEARCH, "rank", "q", "line", "only", "last"),
  // What it needs comes at once, not one after the other.
  beforeLoad: ({ params }) => {
    preloadTab(params.tab);
    queryClient.query(runQuery(params.runId)).catch(() => undefined);
  },
  component: lazyRouteComponent(() => import("./pages/RunPage")),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: "/compare",
  validateSearch: (search) => only(search, ...VIEW_SEARCH, ...CHOICE_SEARCH, "view", "all", "base", "names", "metric", "marks"),
  beforeLoad: ({ search }) => {
    for (const id of choiceOf(search).runs) queryClient.query(runQuery(id)).catch(() => undefined);
  },
  component: lazyRouteComponent(() => import("./pages/ComparePage")),
});

const datasets = createRoute({
  getParentRoute: () => root,
  path: "/datasets",
  component: lazyRouteComponent(() => import("./pages/DatasetsPage")),
});

const dataset = createRoute({
  getParentRoute: () => root,
  path: "/datasets/$name",
  validateSearch: (search) => only(search, "version"),
  component: lazyRouteComponent(() => import("./pages/DatasetPage")),
});

const checkpoints = createRoute({
  getParentRoute: () => root,
  path: "/checkpoints",
  validateSearch: (search) => only(search, "run", "alias", "only"),
  component: lazyRouteComponent(() => import("./pages/CheckpointsPage")),
});

const playground = createRoute({
  getParentRoute: () => root,
  path: "/playground",
  validateSearch: (search) => only(search, "run", "checkpoint"),
  component: lazyRouteComponent(() => import("./pages/PlaygroundPage")),
});

const cluster = createRoute({
  getParentRoute: () => root,
  path: "/cluster",
  component: lazyRouteComponent(() => import("./pages/ClusterPage")),
});

const notifications = createRoute({
  getParentRoute: () => root,
  path: "/settings/notifications",
  component: lazyRouteComponent(() => import("./pages/NotificationsPage")),
});

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  component: lazyRouteComponent(() => import("./pages/LoginPage")),
});

const routeTree = root.addChildren([home, runs, newRun, runHome, run, compare, datasets, dataset, checkpoints, playground, cluster, notifications, login]);

/** Plain `?name=value`; the router's own way would put text that looks like a number in quotes. */
function stringifySearch(search: Record<string, unknown>): string {
  const parameters = new URLSearchParams(Object.entries(search).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])));
  const written = parameters.toString();
  return written && `?${written}`;
}

export const router = createRouter({
  routeTree,
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch,
  defaultErrorComponent: RouteError,
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
