import "@/shared/styles/tokens.css";
import "@/shared/styles/global.css";
import "@/shared/ui/controls.css";
import "@/shared/ui/surfaces.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { followKeys } from "@/shared/keys";
import { connectLive, live } from "@/shared/live/connection";
import { queryClient } from "./queryClient";
import { router } from "./router";
import { followSession } from "./session";
import { followSignOut } from "./signOut";
import { followUpgrades } from "./upgrade";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

followSession(live.status);
connectLive();
followSignOut(queryClient);
followUpgrades();
followKeys();
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
