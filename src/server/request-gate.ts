/** Whether a request may be asked at all: under our own name, and not by a page of somebody else's. */
import { ProblemError } from '../wire/problem.ts';

const reading: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const loopbackHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;
const ownSites: ReadonlySet<string> = new Set(['same-origin', 'none']);

/** Which names a server answers under; `undefined`: those of the loopback interface, on any port. */
export type Hosts = readonly string[] | undefined;

function isOwn(hosts: Hosts, host: string): boolean {
  return hosts === undefined ? loopbackHost.test(host) : hosts.includes(host);
}

/**
 * Refuses a name that is not ours: a page that has its own name lead to our address must not be answered.
 *
 * @throws {ProblemError} `wrong-host`.
 * @see "DNS rebinding", CVE-2025-66414, CVE-2025-24010.
 */
export function checkHost(headers: Headers, hosts: Hosts): void {
  const host = headers.get('host') ?? '';
  // To the letter: what is only almost ours is a way round.
  if (isOwn(hosts, host)) return;
  throw new ProblemError('wrong-host', `this server does not answer under ${JSON.stringify(host.slice(0, 100))}`);
}

/**
 * Refuses what a page of another origin may have made a browser send. A browser says where a request comes from
 * (`Sec-Fetch-Site`, `Origin`), and lets no foreign page set a header of its own (`X-Makegood`) without asking us first.
 *
 * @throws {ProblemError} `foreign-origin`.
 * @see W3C, "Fetch Metadata Request Headers"; OWASP, "Cross-Site Request Forgery Prevention Cheat Sheet".
 */
export function checkOrigin(method: string, headers: Headers, origins: readonly string[], hosts: Hosts): void {
  if (reading.has(method)) return;
  const site = headers.get('sec-fetch-site');
  if (site !== null && !ownSites.has(site)) refuse(`it comes from a ${site.slice(0, 40)} page`);
  const origin = headers.get('origin');
  if (origin !== null && !isOwnOrigin(origin, origins, hosts))
    refuse(`its origin is ${JSON.stringify(origin.slice(0, 100))}`);
  if (!comesFromBrowser(headers)) return;
  if (headers.get('x-makegood') !== '1') refuse('a browser must send the header X-Makegood: 1');
}

function isOwnOrigin(origin: string, origins: readonly string[], hosts: Hosts): boolean {
  if (origins.includes(origin)) return true;
  const url = URL.parse(origin);
  return url !== null && url.origin === origin && isOwn(hosts, url.host);
}

function comesFromBrowser(headers: Headers): boolean {
  for (const name of headers.keys()) {
    if (name === 'cookie' || name === 'origin') return true;
    // A browser that says how it fetches also says for whom (Sec-Fetch-Site); Node's own `fetch` says the first alone.
    if (name.startsWith('sec-fetch-') && name !== 'sec-fetch-mode') return true;
  }
  return false;
}

function refuse(why: string): never {
  throw new ProblemError('foreign-origin', `the request was refused: ${why}; nothing was changed`);
}
