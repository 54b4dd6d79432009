import { expect, test } from 'vitest';
import { egressPolicy } from './egress-policy.ts';

/** What a policy says about a URL, and about the addresses of its name. */
function verdict(allow: readonly string[], url: string, ...addresses: readonly string[]): string {
  const policy = egressPolicy(allow);
  try {
    policy.checkUrl(url);
    if (addresses.length > 0) policy.checkAddresses(url, addresses);
    return 'allowed';
  } catch (error) {
    const { code } = error as { readonly code?: string };
    return code === 'MAKEGOOD_EGRESS_REFUSED' ? 'refused' : String(error);
  }
}

test.each([
  [['public'], 'https://api.example/', ['1.1.1.1'], 'allowed'],
  [['public'], 'https://api.example/', ['1.1.1.1', '10.0.0.1'], 'refused'],
  [['public'], 'https://api.example/', ['127.0.0.1'], 'refused'],
  [['public'], 'http://1.1.1.1/', [], 'allowed'],
  [['public'], 'http://10.0.0.1/', [], 'refused'],
  [['public'], 'http://localhost/', [], 'refused'],
  [['public:443'], 'https://api.example/', ['1.1.1.1'], 'allowed'],
  [['public:443'], 'http://api.example/', [], 'refused'],
  [['public:443'], 'https://api.example:8443/', [], 'refused'],
  [['loopback'], 'http://127.0.0.1:9000/', [], 'allowed'],
  [['loopback'], 'http://[::1]:9000/', [], 'allowed'],
  [['loopback'], 'http://localhost:9000/', ['127.0.0.1', '::1'], 'allowed'],
  [['loopback'], 'http://localhost:9000/', ['10.0.0.1'], 'refused'],
  [['loopback'], 'http://api.example/', ['1.1.1.1'], 'refused'],
  [['inventory'], 'http://inventory:8080/', ['10.3.4.5'], 'allowed'],
  [['inventory'], 'http://INVENTORY./', ['10.3.4.5'], 'allowed'],
  [['inventory'], 'http://inventory/', ['169.254.169.254'], 'refused'],
  [['inventory'], 'http://inventory/', ['127.0.0.1'], 'refused'],
  [['inventory'], 'http://inventory/', ['10.3.4.5', '::1'], 'refused'],
  [['inventory:8080'], 'http://inventory:8081/', [], 'refused'],
  [['inventory'], 'http://inventory.evil/', [], 'refused'],
  [['inventory'], 'http://payments/', [], 'refused'],
  [['localhost:9000'], 'http://localhost:9000/', ['127.0.0.1'], 'allowed'],
  [['localhost:9000'], 'http://127.0.0.1:9000/', [], 'refused'],
  [['*.example.com'], 'http://a.b.example.com/', ['1.1.1.1'], 'allowed'],
  [['*.example.com'], 'http://example.com/', [], 'refused'],
  [['*.example.com'], 'http://evilexample.com/', [], 'refused'],
  [['10.0.0.0/8'], 'http://10.255.0.1/', [], 'allowed'],
  [['10.0.0.0/8'], 'http://[::ffff:10.0.0.1]/', [], 'allowed'],
  [['10.0.0.0/8'], 'http://11.0.0.1/', [], 'refused'],
  [['10.0.0.0/8:80'], 'http://10.0.0.1:81/', [], 'refused'],
  [['10.0.0.0/8'], 'http://inventory/', ['10.0.0.1'], 'allowed'],
  [['169.254.169.254'], 'http://169.254.169.254/', [], 'allowed'],
  [['[fd00::]/8:443'], 'https://[fd00::1]/', [], 'allowed'],
  [['[fd00::]/8:443'], 'http://[fd00::1]/', [], 'refused'],
  [['::1'], 'http://[::1]:1/', [], 'allowed'],
  [['[::1]:9000'], 'http://[::1]:9001/', [], 'refused'],
  [['private'], 'http://192.168.0.1/', [], 'allowed'],
  [['private'], 'http://169.254.169.254/', [], 'refused'],
  [[], 'http://1.1.1.1/', [], 'refused'],
  [['public'], 'ftp://1.1.1.1/', [], 'refused'],
  [['public'], 'http://user:secret@1.1.1.1/', [], 'refused'],
  [['public'], 'nonsense', [], 'refused'],
] as const)('%j: %s at %j is %s', (allow, url, addresses, wanted) => {
  expect(verdict(allow, url, ...addresses)).toBe(wanted);
});

test('a name that resolves to nothing, or to no address, is refused', () => {
  const policy = egressPolicy(['inventory']);
  expect(() => policy.checkAddresses('http://inventory/', [])).toThrow('its name has no address');
  expect(() => policy.checkAddresses('http://inventory/', ['10.1'])).toThrow('no address');
});

test('a refusal names the target without its path, which may hold secrets, and says why', () => {
  expect(() => egressPolicy(['public']).checkUrl('http://10.0.0.1:81/token/t0p5ecret?k=v')).toThrow(
    'calls to "http://10.0.0.1:81" are not allowed: it is an address of a private network, which is not on the list',
  );
});

test.each([
  '',
  'a b',
  'http://inventory',
  'inventory/reserve',
  '10.0.0.0/40',
  'inventory:0',
  'inventory:99999',
  '*',
  '1.2.3',
  '-a',
  '[::1',
  7 as never,
])('an entry that is none is refused: %j', (entry) => {
  expect(() => egressPolicy([entry])).toThrow('Expected allowed targets to be');
});
