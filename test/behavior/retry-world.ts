/** An answer that says: try again. */
export function unavailable(): Error {
  return Object.assign(new Error('503 Service Unavailable'), { status: 503 });
}

/** A function that never settles and takes no notice of its signal. */
export function hang(): Promise<never> {
  return new Promise(() => undefined);
}

/** A function that heeds its signal and rejects with the reason, as `fetch` does. */
export function heed({ signal }: { readonly signal: AbortSignal }): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
