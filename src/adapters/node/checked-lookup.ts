import { lookup as systemLookup } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { bulkhead } from '../../guards/bulkhead.ts';
import type { EgressPolicy } from '../../outbound/egress-policy.ts';

/** Resolves a name to every address it has. */
export type ResolveName = (name: string) => Promise<readonly LookupAddress[]>;

/** How the machine resolves names: its resolver, its hosts file. */
export const systemResolve: ResolveName = (name) =>
  new Promise((resolve, reject) => {
    systemLookup(name, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });

/**
 * A resolver that asks for one name once at a time, however many connections wait for it, and for few names at once.
 * `getaddrinfo` holds a thread of Node's pool for as long as it takes, and the journal's writes need the same threads.
 */
export function fewLookups(resolve: ResolveName): ResolveName {
  const threads = bulkhead({ name: 'name resolution', maxConcurrent: 2, maxQueue: 10_000 });
  const underWay = new Map<string, Promise<readonly LookupAddress[]>>();
  return (name) => {
    const running = underWay.get(name);
    if (running !== undefined) return running;
    const started = threads.execute(() => resolve(name)).finally(() => underWay.delete(name));
    underWay.set(name, started);
    return started;
  };
}

/**
 * The name resolution of one target's connections: resolves once, has the policy check every address, and hands on exactly
 * those, so that what was checked is what is connected to. A name that says something else the next time is checked again.
 *
 * @param url the target, for the policy.
 */
export function checkedLookup(url: string, policy: EgressPolicy, resolve: ResolveName): LookupFunction {
  const find = callbackify(async (name: string, wanted: number): Promise<LookupAddress[]> => {
    const found = await resolve(name);
    policy.checkAddresses(
      url,
      found.map(({ address }) => address),
    );
    return wanted === 0 ? [...found] : found.filter((address) => address.family === wanted);
  });
  return (name, options, done) =>
    find(name, familyOf(options), (error, found) => {
      const [first] = found ?? [];
      if (error !== null) done(error, '', 0);
      else if (first === undefined)
        done(Object.assign(new Error(`no address for ${name}`), { code: 'ENOTFOUND' }), '', 0);
      else if (options.all === true) done(null, found);
      else done(null, first.address, first.family);
    });
}

function familyOf({ family = 0 }: LookupOptions): number {
  return typeof family === 'number' ? family : Number(family.slice(-1));
}
