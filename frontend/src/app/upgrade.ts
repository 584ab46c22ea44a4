/** Follows scripts and styles that could not be had: where the server has others by now, the page is loaded anew. */
export function followUpgrades(): void {
  addEventListener("vite:preloadError", () => void reloadIfUpgraded());
}

async function reloadIfUpgraded(): Promise<void> {
  const ours = document.querySelector('script[type="module"]')?.getAttribute("src");
  const page = await fetch("/", { cache: "no-store" })
    .then((response) => (response.ok ? response.text() : null))
    .catch(() => null);
  // Where nobody answers, this page, which can say so, is better than none.
  if (ours && page !== null && !page.includes(ours)) location.reload();
}
