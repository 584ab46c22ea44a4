/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const gateway = process.env.GROUNDUP_PUBLIC_URL ?? "http://localhost:8080";
const proxied = { target: gateway, changeOrigin: true };
const api = { target: gateway }; // keeps the page's Host: a session counts only where it is the Origin's

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: { proxy: { "/api": api, "/groundup": proxied, "/ws": { ...proxied, ws: true } } },
  build: { target: "es2022", sourcemap: false, chunkSizeWarningLimit: 400 },
  test: { environment: "node", include: ["tests/**/*.test.{ts,tsx}"], testTimeout: 10_000 },
});
