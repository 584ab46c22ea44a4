/** What a browser remembers for us. Storage may be full or switched off; then nothing is remembered. */
export const kept = {
  read(name: string): string | null {
    try {
      return localStorage.getItem(`groundup.${name}`);
    } catch {
      return null;
    }
  },
  write(name: string, value: string | null): void {
    try {
      if (value === null) localStorage.removeItem(`groundup.${name}`);
      else localStorage.setItem(`groundup.${name}`, value);
    } catch {
      // Not remembered; nothing depends on it.
    }
  },
};
