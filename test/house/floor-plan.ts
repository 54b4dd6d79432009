/**
 * The floor of every folder of `src/` (and of its lone files): a folder imports only from strictly lower floors.
 * ARCHITECTURE.md draws the same table; a new room is entered in both.
 */
export const floorPlan: Readonly<Record<string, number>> = {
  'errors.ts': 1,
  'options.ts': 1,
  ports: 1,
  time: 2,
  policy: 2,
  backoff: 3,
  predicate: 3,
  causality: 3,
  wal: 3,
  guards: 4,
  idempotency: 4,
  retry: 5,
  http: 6,
  saga: 6,
  advisor: 5,
  journal: 7,
  'saga-first': 7,
  choreography: 7,
  outbound: 7,
  wire: 7,
  tempo: 8,
  participant: 8,
  isolation: 8,
  'read-cache': 8,
  provisional: 8,
  conformance: 8,
  client: 8,
  server: 9,
  adapters: 9,
  testing: 9,
  cli: 10,
  // The root door lists the everyday names of any room.
  'index.ts': 11,
};

/** `errors.ts` stands on the lowest floor beside `ports/`, which may use it: every error there extends it. */
export const groundFile = 'src/errors.ts';

/** Only these rooms, and this one file, may touch the world: clocks, timers, chance, the process, built-in modules. */
export const worldly: readonly string[] = [
  'src/ports/',
  'src/adapters/',
  'src/cli/',
  'src/testing/',
  'src/server/listen.ts',
];

/** Doors that must work where there is no Node: nothing they reach may import a built-in module. */
export const portableDoors: readonly string[] = [
  'src/index.ts',
  'src/ports/index.ts',
  'src/time/index.ts',
  'src/policy/index.ts',
  'src/backoff/index.ts',
  'src/predicate/index.ts',
  'src/causality/index.ts',
  'src/guards/index.ts',
  'src/idempotency/index.ts',
  'src/retry/index.ts',
  'src/http/index.ts',
  'src/saga/index.ts',
  'src/outbound/index.ts',
  'src/advisor/index.ts',
  'src/client/index.ts',
];

/** Packages that a room may import, by its folder; any other room has none. */
export const packagesOf: Readonly<Record<string, readonly string[]>> = {
  // `pg` is the user's own, for `serve --postgres`.
  cli: ['commander', 'pg', 'yaml'],
  wire: ['typebox', 'typebox/schema'],
};

/** The room of a path: the folder under `src/`, or the file itself where it lies in none. */
export function roomOf(path: string): string {
  return path.split('/')[1] ?? path;
}

/** Unit tests stand beside what they test but are not part of the house. */
export function isTest(path: string): boolean {
  return path.endsWith('.test.ts');
}
