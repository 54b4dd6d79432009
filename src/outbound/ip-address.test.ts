import { describe, expect, test } from 'vitest';
import { rangeOf } from './address-range.ts';
import { type AddressBlock, isInBlock, parseAddress, parseBlock } from './ip-address.ts';

function inside(block: string, address: string): boolean {
  return isInBlock(parseAddress(address) as number[], parseBlock(block) as AddressBlock);
}

describe('text and bytes', () => {
  test.each([
    ['127.0.0.1', [127, 0, 0, 1]],
    ['255.255.255.255', [255, 255, 255, 255]],
    ['::', Array(16).fill(0)],
    ['::1', [...Array(15).fill(0), 1]],
    ['[::1]', [...Array(15).fill(0), 1]],
    ['1:2:3:4:5:6:7:8', [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
    ['1::8', [0, 1, ...Array(12).fill(0), 0, 8]],
    ['FE80::A', [0xfe, 0x80, ...Array(12).fill(0), 0, 10]],
    ['::ffff:10.0.0.1', [...Array(10).fill(0), 255, 255, 10, 0, 0, 1]],
    ['1:2:3:4:5:6:1.2.3.4', [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1, 2, 3, 4]],
  ])('%s is read', (text, bytes) => {
    expect(parseAddress(text)).toEqual(bytes);
  });

  test.each([
    '',
    '127.1',
    '127.0.0.256',
    '0177.0.0.1',
    '127.0.0.01',
    '0x7f.0.0.1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4 ',
    ':',
    ':::',
    '1:2',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    'fe80::1%eth0',
    '::g',
    '::12345',
    '1.2.3.4::',
    '::1.2.3',
    '[::1',
    'a.b',
    '1:2:3:4:5:6:7:1.2.3.4',
    `${'0:'.repeat(40)}1`,
  ])('%j is no address', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test('a block holds what begins as it does, and nothing beside it', () => {
    expect(inside('172.16.0.0/12', '172.31.255.255')).toBe(true);
    expect(inside('172.16.0.0/12', '172.32.0.0')).toBe(false);
    expect(inside('fc00::/7', 'fdff::1')).toBe(true);
    expect(inside('fc00::/7', 'fe00::1')).toBe(false);
    expect(inside('0.0.0.0/0', '255.1.2.3')).toBe(true);
    expect(inside('0.0.0.0/0', '::1')).toBe(false);
    expect(inside('10.1.2.3', '10.1.2.3')).toBe(true);
    expect(inside('10.1.2.3', '10.1.2.2')).toBe(false);
    for (const text of ['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'x/8', '::/129', '10.0.0.0/08']) {
      expect(parseBlock(text)).toBeUndefined();
    }
  });
});

describe('who is reached', () => {
  test.each([
    [
      'public',
      [
        '1.1.1.1',
        '8.8.8.8',
        '100.63.255.255',
        '100.128.0.0',
        '172.15.0.1',
        '172.32.0.1',
        '192.169.0.1',
        '2606:4700::1',
        '::ffff:8.8.8.8',
      ],
    ],
    [
      'private',
      [
        '10.0.0.1',
        '172.16.0.1',
        '172.31.255.255',
        '192.168.0.1',
        '100.64.0.1',
        '100.127.255.255',
        'fd00::1',
        '::ffff:10.0.0.1',
      ],
    ],
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1']],
    [
      'special',
      [
        '0.0.0.0',
        '0.1.2.3',
        '169.254.169.254',
        '192.0.0.192',
        '192.0.2.1',
        '198.18.0.1',
        '198.19.255.255',
        '198.51.100.1',
        '203.0.113.1',
        '224.0.0.1',
        '239.255.255.255',
        '240.0.0.1',
        '255.255.255.255',
        '::',
        '::7f00:1',
        'fe80::1',
        'febf::1',
        'fec0::1',
        'ff02::1',
        '64:ff9b::7f00:1',
        '64:ff9b:1::1',
        '2002:7f00:1::',
        '2001::1',
        '2001:db8::1',
        '3fff::1',
        '4000::1',
        '100::1',
        '5f00::1',
        '::ffff:169.254.169.254',
        '::ffff:0.0.0.0',
      ],
    ],
  ] as const)('%s', (range, addresses) => {
    for (const address of addresses)
      expect([address, rangeOf(parseAddress(address) as number[])]).toEqual([address, range]);
  });
});
