/**
 * Spellings of addresses that a server must not call, as they were used against real URL checks (`ip` CVE-2023-42282 and
 * CVE-2024-29415, n8n-mcp CVE-2026-42449, PortSwigger's and OWASP's lists), made for several addresses.
 */

type Quad = readonly [number, number, number, number];

const hex = (value: number, width = 0): string => value.toString(16).padStart(width, '0');
const octal = (value: number): string => `0${value.toString(8)}`;
const whole = ([a, b, c, d]: Quad): number => ((a * 256 + b) * 256 + c) * 256 + d;
const wide = (text: string): string =>
  text.replaceAll(/[0-9]/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));

/** The hosts that a URL parser, a browser or `inet_aton` takes for this IPv4 address, or that lead to it. */
function hostsOf(quad: Quad): readonly string[] {
  const [a, b, c, d] = quad;
  const dotted = quad.join('.');
  const value = whole(quad);
  const groups = `${hex(a * 256 + b)}:${hex(c * 256 + d)}`;
  return [
    dotted,
    `${dotted}.`,
    String(value),
    `0x${hex(value)}`,
    `0X${hex(value).toUpperCase()}`,
    `0${value.toString(8)}`,
    quad.map(octal).join('.'),
    quad.map((part) => `0x${hex(part)}`).join('.'),
    `${a}.${b}.${c * 256 + d}`,
    `${a}.${(b * 256 + c) * 256 + d}`,
    `0x${hex(a)}.${b}.${octal(c)}.${d}`,
    `000000${octal(a)}.${b}.${c}.${d}`,
    wide(dotted),
    dotted.replaceAll('.', '。'),
    dotted.replaceAll('.', '．'),
    dotted.replaceAll('.', '%2e'),
    `%31${dotted.startsWith('1') ? dotted.slice(1) : `@${dotted}`}`,
    `[::ffff:${dotted}]`,
    `[::ffff:${groups}]`,
    `[0:0:0:0:0:ffff:${groups}]`,
    `[0000:0000:0000:0000:0000:FFFF:${groups.toUpperCase()}]`,
    `[::${groups}]`,
    `[64:ff9b::${groups}]`,
    `[64:ff9b::${dotted}]`,
    `[2002:${groups}::]`,
    `[2001:0:${groups}::1]`,
    `${dotted}.nip.io`,
    `a.${dotted.replaceAll('.', '-')}.sslip.io`,
  ];
}

const targets: readonly Quad[] = [
  [169, 254, 169, 254], // metadata of AWS, Azure, GCP
  [127, 0, 0, 1],
  [10, 0, 0, 1],
  [192, 168, 1, 1],
  [0, 0, 0, 0],
  [100, 100, 100, 200], // metadata of Alibaba Cloud, in 100.64/10
];

/** What is hidden in a URL besides its host. */
const others: readonly string[] = [
  'http://localhost/',
  'http://LOCALHOST/',
  'http://localhost./',
  'http://a.localhost/',
  'http://ｌｏｃａｌｈｏｓｔ/',
  'http://127.1/',
  'http://127.0.1/',
  'http://0/',
  'http://[::]/',
  'http://[::1]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[fe80::1]/',
  'http://[fe80::1%25eth0]/',
  'http://[fc00::1]/',
  'http://[fd00:ec2::254]/', // metadata of AWS over IPv6
  'http://[fec0::1]/',
  'http://[ff02::1]/',
  'http://[100::1]/',
  'http://[::127.0.0.1]/',
  'http://[::ffff:0:127.0.0.1]/',
  'http://[64:ff9b:1::7f00:1]/',
  'http://public.example@169.254.169.254/',
  'http://public.example:80@169.254.169.254:80/',
  'http://169.254.169.254#@public.example/',
  'http://169.254.169.254?@public.example/',
  'http://169.254.169.254\\@public.example/',
  'http:\\\\169.254.169.254\\latest',
  'http:169.254.169.254/latest',
  'http:///169.254.169.254/latest',
  'HTTP://169.254.169.254/',
  ' http://169.254.169.254/',
  'http://169.254.169.254\t/',
  'ht\ttp://169.254.\n169.254/',
  'http://169.254.169.254\r\n/',
  'http://169.254.169.254%00.public.example/',
  'http://169.254.169.254%2500.public.example/',
  'http://169.254.169.254%0d%0a/',
  'http://169.254.169.254:80:80/',
  'http://169.254.169.254:0/',
  'http://169.254.169.254:65536/',
  'http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/',
  'http://metadata.google.internal/',
  'http://metadata/',
  '//169.254.169.254/',
  'file:///etc/passwd',
  'gopher://169.254.169.254/_GET',
  'ftp://169.254.169.254/',
  'data:text/plain,hello',
  'blob:http://169.254.169.254/',
  'unix:/var/run/docker.sock',
  'http+unix://%2Fvar%2Frun%2Fdocker.sock/',
  'javascript:fetch("http://169.254.169.254")',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://240.0.0.1/',
  'http://198.18.0.1/',
  'http://192.0.0.192/', // metadata of Oracle Cloud
];

/** Every spelling, each once. */
export const hostileUrls: readonly string[] = [
  ...new Set([...targets.flatMap((quad) => hostsOf(quad).map((host) => `http://${host}/latest/meta-data`)), ...others]),
];
