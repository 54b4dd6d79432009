/**
 * 100,000 claims of as many keys, of which each may be claimed once: `node retry-claims.ts all … Map`. The mission's figure
 * is 27 ms and 4.1 MB, by Go's `sync.Map`.
 */
const keys = 100_000;

interface Claimant {
  readonly claim: (key: string) => unknown;
  /** What it holds, in bytes, where it knows. */
  readonly bytes?: number;
}

/** How each system claims a key. */
export const claimants: Readonly<Record<string, () => Promise<Claimant>>> = {
  Map: async () => {
    const claimed = new Map<string, true>();
    return { claim: (key) => !claimed.has(key) && claimed.set(key, true).size > 0 };
  },
  Set: async () => {
    const claimed = new Set<string>();
    return { claim: (key) => claimed.size < claimed.add(key).size };
  },
  'makegood claimTable': async () => {
    const { claimTable } = await import('../dist/idempotency/index.js');
    const table = claimTable({ expectedKeys: keys });
    return {
      claim: (key) => table.claim(key),
      get bytes() {
        return table.bytes;
      },
    };
  },
  'makegood sharedClaimTable': async () => {
    const { sharedClaimTable } = await import('../dist/idempotency/index.js');
    // Keys of twelve characters; the default leaves room for 32 bytes each.
    const table = sharedClaimTable({ maxKeys: keys, averageKeyBytes: 12 });
    return { claim: (key) => table.claim(key), bytes: table.bytes };
  },
  'makegood memoryStore': async () => {
    const { memoryStore } = await import('../dist/idempotency/index.js');
    const store = memoryStore();
    return { claim: (key) => store.mark(key, 86_400_000) };
  },
};

function held(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function claimAll({ claim }: Claimant, names: readonly string[]): number {
  const startedMs = performance.now();
  for (const name of names) claim(name);
  return ((performance.now() - startedMs) * 1e6) / names.length;
}

async function measure(prepare: () => Promise<Claimant>): Promise<Record<string, number>> {
  // Flat strings, which the process keeps: Map and Set hold references to them, the tables copies of their bytes.
  const names = Array.from({ length: keys }, (_, index) => Buffer.from(`order-${keys + index}`).toString('latin1'));
  // A server has claimed before: the first hundred thousand are the compiler's.
  const warm = await prepare();
  claimAll(warm, names);
  const claimant = await prepare();
  globalThis.gc?.();
  const before = held();
  const ns = claimAll(claimant, names);
  globalThis.gc?.();
  const bytes = (claimant.bytes ?? held() - before) / keys;
  // Keeps what was claimed, and the names, alive to here.
  if (names.some((name) => claimant.claim(name) === true)) throw new Error('a key was claimed twice');
  return { ns, bytes };
}

if (import.meta.main) {
  const prepare = claimants[process.argv[4] ?? ''];
  if (prepare === undefined) throw new RangeError(`no claimant "${process.argv[4]}"`);
  console.log(JSON.stringify(await measure(prepare)));
  process.exit();
}
