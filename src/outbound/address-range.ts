import { type AddressBlock, type IpAddress, isInBlock, parseBlock } from './ip-address.ts';

/**
 * Who can be reached at an address. `public`: anybody on the Internet. `private`: the own network. `loopback`: the own
 * machine. `special`: nobody that a participant could be: link-local addresses, where clouds keep credentials, multicast,
 * documentation, translation, what is reserved.
 */
export type AddressRange = 'public' | 'private' | 'loopback' | 'special';

function blocks(...texts: readonly string[]): readonly AddressBlock[] {
  return texts.map((text) => parseBlock(text) as AddressBlock);
}

// IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its successors), as of 2026.
const loopback = blocks('127.0.0.0/8', '::1');
const privateUse = blocks(
  '10.0.0.0/8', // RFC 1918
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10', // RFC 6598 shared address space, which clouds use inside
  'fc00::/7', // RFC 4193 unique local
);
const special = blocks(
  '0.0.0.0/8', // "this network": on Linux 0.0.0.0 is the own machine
  '169.254.0.0/16', // link-local: the metadata services of clouds
  '192.0.0.0/24',
  '192.0.2.0/24', // documentation
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24', // 6to4 relays
  '192.175.48.0/24',
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '2001::/23', // Teredo, ORCHID and others: an address in an address
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: an IPv4 address inside
  '3fff::/20', // documentation
);
// Everything else of IPv6 is not handed out: `::`, 64:ff9b::/96 (NAT64), fe80::/10, fec0::/10, ff00::/8 among it.
const globalUnicast = blocks('2000::/3');
const mapped = blocks('::ffff:0:0/96');

/**
 * Which range an address lies in. An IPv4 address inside an IPv6 one (`::ffff:a.b.c.d`) is what it is inside; one that is
 * translated elsewhere (NAT64, 6to4, Teredo) is `special`, since it says nothing about who is reached.
 *
 * @example
 * rangeOf([169, 254, 169, 254]) // => 'special'
 */
export function rangeOf(address: IpAddress): AddressRange {
  if (isIn(mapped, address)) return rangeOf(address.slice(12));
  if (isIn(loopback, address)) return 'loopback';
  if (isIn(privateUse, address)) return 'private';
  if (isIn(special, address)) return 'special';
  return address.length === 4 || isIn(globalUnicast, address) ? 'public' : 'special';
}

function isIn(list: readonly AddressBlock[], address: IpAddress): boolean {
  return list.some((block) => isInBlock(address, block));
}

/**
 * The IPv4 address inside an IPv6 one that maps it, and any other as it is: what a block of IPv4 addresses is compared with.
 *
 * @internal
 */
export function unmapped(address: IpAddress): IpAddress {
  return isIn(mapped, address) ? address.slice(12) : address;
}
