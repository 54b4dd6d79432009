/**
 * 100,000 claims of as many keys, of which each may be claimed once: `node retry-claims.ts all … Map`. The mission's figure
 * is 27 ms and 4.1 MB, by Go's `sync.Map`.
 */
const keys = 100_000;

type Claim = (key: string) => unknown;

/** How each system claims a key. */
export const claimants: Readonly<Record<string, () => Promise<Claim>>> = {
  Map: async () => {
    const claimed = new Map<string, true>();
    return (key) => {
      if (claimed.has(key)) return false;
      claimed.set(key, true);
      return true;
    };
  },
  Set: async () => {
    const claimed = new Set<string>();
    return (key) => claimed.size < claimed.add(key).size;
  },
};

async function measure(claim: Claim): Promise<Record<string, number>> {
  const names = Array.from({ length: keys }, (_, index) => `order-${index}/charge/compensation`);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed + process.memoryUsage().external;
  const startedMs = performance.now();
  let last: unknown;
  for (const name of names) last = claim(name);
  await last;
  const ns = ((performance.now() - startedMs) * 1e6) / keys;
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed + process.memoryUsage().external - before) / keys;
  // Keeps what was claimed, and the names, alive to here.
  if (names.some((name) => claim(name) === true)) throw new Error('a key was claimed twice');
  return { ns, bytes };
}

if (import.meta.main) {
  const prepare = claimants[process.argv[4] ?? ''];
  if (prepare === undefined) throw new RangeError(`no claimant "${process.argv[4]}"`);
  console.log(JSON.stringify(await measure(await prepare())));
  process.exit();
}
