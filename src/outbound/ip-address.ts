/** An address as its bytes: 4 of IPv4, 16 of IPv6. Text has many spellings of one address; bytes have one. */
export type IpAddress = readonly number[];

// Every part is matched by itself, so that no pattern has anything to go back over.
const decimalPattern = /^(?:0|[1-9]\d{0,2})$/;
const groupPattern = /^[0-9a-f]{1,4}$/i;

/**
 * Reads an address as resolvers and parsed URLs write it. Other spellings (`0x7f.1`, `127.1`, `010.0.0.1`, a zone) are not
 * guessed at: a URL parser has normalised them, or it is not an address.
 *
 * @param text `127.0.0.1`, `::1`, or `[::1]`.
 * @returns its bytes, or `undefined` when it is no address.
 * @see RFC 4291 §2.2 "Text Representation of Addresses".
 * @example
 * parseAddress('::ffff:10.0.0.1')?.slice(10) // => [255, 255, 10, 0, 0, 1]
 */
export function parseAddress(text: string): IpAddress | undefined {
  if (text.startsWith('[') && text.endsWith(']')) return parseV6(text.slice(1, -1));
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

function parseV4(text: string): IpAddress | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => decimalPattern.test(part) && Number(part) <= 255)) return undefined;
  return parts.map(Number);
}

function parseV6(text: string): IpAddress | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  // Only at the end of all there may be an IPv4 address.
  const head = groupsOf(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  // `::` stands for at least one group of zeros.
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  return [...head, ...Array<number>(missing).fill(0), ...tail];
}

/** The bytes of groups between colons; the last may be an IPv4 address where that `isEnd`. */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [place, group] of groups.entries()) {
    if (group.includes('.')) {
      const inner = isEnd && place === groups.length - 1 ? parseV4(group) : undefined;
      if (inner === undefined) return undefined;
      bytes.push(...inner);
    } else {
      if (!groupPattern.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
    }
  }
  return bytes;
}

/** A block of addresses: those whose first `bits` are the same. */
export interface AddressBlock {
  readonly bytes: IpAddress;
  readonly bits: number;
}

/**
 * Reads a block in CIDR notation, such as `10.0.0.0/8` or `[fc00::]/7`; an address alone is a block of one.
 *
 * @returns `undefined` when it is no such block.
 * @example
 * parseBlock('10.0.0.0/8')?.bits // => 8
 */
export function parseBlock(text: string): AddressBlock | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const bytes = parseAddress(address);
  if (bytes === undefined || rest.length > 0) return undefined;
  const most = bytes.length * 8;
  if (length === undefined) return { bytes, bits: most };
  return decimalPattern.test(length) && Number(length) <= most ? { bytes, bits: Number(length) } : undefined;
}

/**
 * Whether an address lies in a block.
 *
 * @example
 * isInBlock([10, 1, 2, 3], { bytes: [10, 0, 0, 0], bits: 8 }) // => true
 */
export function isInBlock(address: IpAddress, { bytes, bits }: AddressBlock): boolean {
  if (address.length !== bytes.length) return false;
  const whole = bits >> 3;
  for (let index = 0; index < whole; index++) if (address[index] !== bytes[index]) return false;
  const rest = bits & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((address[whole] ?? 0) & mask) === ((bytes[whole] ?? 0) & mask);
}
