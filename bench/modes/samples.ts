/** How long things took, by rank. */
export function rank(samplesMs: readonly number[], share: number): number {
  const sorted = samplesMs.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** `p50 / p99`, in milliseconds. */
export function quantiles(samplesMs: readonly number[]): string {
  return `${rank(samplesMs, 0.5).toFixed(1)} / ${rank(samplesMs, 0.99).toFixed(1)}`;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
