import { type AddressRange, rangeOf, unmapped } from './address-range.ts';
import { type AddressBlock, isInBlock, parseAddress, parseBlock } from './ip-address.ts';
import { EgressError } from './remote-call-error.ts';

/**
 * Which targets may be called. What is not allowed is forbidden.
 *
 * Decided twice: for the URL, before anything is done, and for the addresses that its name was resolved to, all of them,
 * before a connection is made to one of exactly these. So a name that says something else the second time gains nothing.
 */
export interface EgressPolicy {
  /**
   * Decides what can be known before a name is resolved.
   *
   * @throws {EgressError} when the target cannot be allowed whatever its name resolves to.
   */
  checkUrl(url: string): void;
  /**
   * Decides about the addresses that the URL's name was resolved to; one that is not allowed forbids all.
   *
   * @throws {EgressError} for the first address that is not allowed, or when there is none.
   */
  checkAddresses(url: string, addresses: readonly string[]): void;
}

/** One entry of an allow-list, read. */
interface Entry {
  readonly port: number | undefined;
  /** What it allows: a range, a block of addresses, a name or what ends with a suffix. */
  readonly range?: AddressRange;
  readonly block?: AddressBlock;
  readonly name?: string;
  readonly suffix?: string;
}

const ranges: readonly string[] = ['public', 'private', 'loopback'] satisfies AddressRange[];
const namePattern = /^(?!-)[a-z0-9_-]{1,63}$/;

function badEntry(text: unknown): TypeError {
  const wanted =
    'a host name, *.host, an address, a block like 10.0.0.0/8, public, private or loopback, each with :port';
  return new TypeError(`Expected allowed targets to be ${wanted}, got ${JSON.stringify(text)}`);
}

function readEntry(given: string): Entry {
  if (typeof given !== 'string') throw badEntry(given);
  const text = given.trim().toLowerCase();
  const { host, port } = splitPort(text);
  if (port !== undefined && !(port >= 1 && port <= 65_535)) throw badEntry(given);
  if (ranges.includes(host)) return { port, range: host as AddressRange };
  const block = parseBlock(host.replace(/^\[(?<inside>[^\]]*)\]/, '$<inside>'));
  if (block !== undefined) return { port, block };
  const [suffix, name] = host.startsWith('*.') ? [true, host.slice(2)] : [false, host];
  const plain = withoutDot(name);
  const labels = plain.split('.');
  // What ends in a number is an address to a URL parser, or nothing.
  if (plain.length > 253 || !labels.every((label) => namePattern.test(label)) || /^\d+$/.test(labels.at(-1) ?? '')) {
    throw badEntry(given);
  }
  return suffix ? { port, suffix: `.${plain}` } : { port, name: plain };
}

/** An IPv6 address has colons of its own: only what follows its bracket, or the one colon there is, begins a port. */
function splitPort(text: string): { readonly host: string; readonly port: number | undefined } {
  const colon = text.lastIndexOf(':');
  const isOnly = colon > 0 && text.indexOf(':') === colon;
  const isBehind =
    Math.max(text.lastIndexOf(']'), text.lastIndexOf('/')) > 0 &&
    colon > text.lastIndexOf(']') &&
    colon > text.lastIndexOf('/');
  if (!isOnly && !isBehind) return { host: text, port: undefined };
  const digits = text.slice(colon + 1);
  return { host: text.slice(0, colon), port: /^\d{1,5}$/.test(digits) ? Number(digits) : 0 };
}

function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/** What of a URL is decided about. */
interface Target {
  /** What an error shows of it: no path, no query, which may hold secrets. */
  readonly shown: string;
  readonly name: string;
  readonly port: number;
  readonly address: readonly number[] | undefined;
}

function targetOf(text: string): Target {
  const url = URL.parse(text);
  if (url === null) throw new EgressError(text.slice(0, 100), 'it is no absolute URL');
  const shown = `${url.protocol}//${url.host}`;
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new EgressError(shown, 'it is neither http nor https');
  if (url.username !== '' || url.password !== '') throw new EgressError(shown, 'it has a user or a password');
  const port = url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : Number(url.port);
  return { shown, name: withoutDot(url.hostname), port, address: parseAddress(url.hostname) };
}

const rangeNames: Readonly<Record<AddressRange, string>> = {
  public: 'a public address',
  private: 'an address of a private network',
  loopback: 'an address of this machine',
  special: 'a link-local, multicast or reserved address',
};

class AllowList implements EgressPolicy {
  private readonly entries: readonly Entry[];

  constructor(entries: readonly Entry[]) {
    this.entries = entries;
  }

  checkUrl(text: string): void {
    const target = targetOf(text);
    const entries = this.entries.filter(({ port }) => port === undefined || port === target.port);
    if (target.address !== undefined) return this.checkAddress(target, entries, target.address, '');
    // `localhost` and all below it are this machine, whoever is asked (RFC 6761 §6.3).
    const isLocal = target.name === 'localhost' || target.name.endsWith('.localhost');
    const possible = entries.some(
      (entry) => isNamed(entry, target.name) || (isLocal ? entry.range === 'loopback' : (entry.range ?? entry.block)),
    );
    if (!possible) throw new EgressError(target.shown, 'it is not on the list of allowed targets');
  }

  checkAddresses(text: string, addresses: readonly string[]): void {
    const target = targetOf(text);
    const entries = this.entries.filter(({ port }) => port === undefined || port === target.port);
    if (addresses.length === 0) throw new EgressError(target.shown, 'its name has no address');
    for (const found of addresses) {
      const address = parseAddress(found);
      if (address === undefined)
        throw new EgressError(target.shown, `it resolves to ${JSON.stringify(found)}, no address`);
      this.checkAddress(target, entries, address, `it resolves to ${found}, `);
    }
  }

  private checkAddress(target: Target, entries: readonly Entry[], address: readonly number[], found: string): void {
    const range = rangeOf(address);
    const plain = unmapped(address);
    for (const entry of entries) {
      if (entry.range === range) return;
      if (entry.block !== undefined && isInBlock(plain, entry.block)) return;
      // A name that was allowed may stand for a host outside or of the own network, but for no other kind of address:
      // whoever can change what it resolves to must not reach this machine, or a cloud's credentials.
      const isLocal = entry.name === 'localhost' && range === 'loopback';
      if (isNamed(entry, target.name) && (range === 'public' || range === 'private' || isLocal)) return;
    }
    const what = found === '' ? `it is ${rangeNames[range]}` : `${found}${rangeNames[range]}`;
    throw new EgressError(target.shown, `${what}, which is not on the list of allowed targets`);
  }
}

function isNamed({ name, suffix }: Entry, host: string): boolean {
  return name === host || (suffix !== undefined && host.endsWith(suffix));
}

/**
 * Makes an egress policy of a list of what may be called.
 *
 * An entry is a host name (`inventory`), what ends with one (`*.example.com`, not `example.com` itself), an address
 * (`10.1.2.3`, `[::1]`), a block of addresses (`10.0.0.0/8`), or a range by name: `public`, `private`, `loopback`. Each may
 * have a port (`inventory:8080`); without one every port is allowed. A name may resolve to public and private addresses;
 * `localhost` to those of this machine. Link-local, multicast and reserved addresses, the metadata services of clouds among
 * them, are only allowed as addresses.
 *
 * @throws {TypeError} for an entry that is none of these.
 * @see OWASP, "Server-Side Request Forgery Prevention Cheat Sheet".
 * @example
 * egressPolicy(['public', 'inventory:8080']).checkUrl('http://inventory:8080/reserve') // => undefined
 */
export function egressPolicy(allow: readonly string[]): EgressPolicy {
  if (!Array.isArray(allow)) throw new TypeError(`Expected allowed targets to be a list, got ${typeof allow}`);
  return new AllowList(allow.map(readEntry));
}
