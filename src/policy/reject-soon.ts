const settled: Promise<void> = /* @__PURE__ */ Promise.resolve();

/**
 * A promise that rejects in the next microtask, when whoever is handed it has attached a handler. A rejection that has
 * none is noted by the platform, and taken back when one comes: that costs five times what the promise does.
 */
export function rejectSoon(error: unknown): Promise<never> {
  return new Promise((_, reject) => {
    void settled.then(() => reject(error as Error));
  });
}
