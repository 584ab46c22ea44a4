// Before the first paint, so that no page flashes in the other theme. src/shared/theme.ts has the rest.
try {
  const set = localStorage.getItem("groundup.theme");
  if (set === "dark" || set === "light") document.documentElement.dataset.theme = set;
} catch {
  // Storage is switched off: the system's theme it is.
}
