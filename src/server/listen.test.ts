import { expect, test } from 'vitest';
import { listen } from './listen.ts';

test.each([
  ['every byte there is', Uint8Array.from({ length: 256 }, (_, byte) => byte)],
  ['a byte order mark and letters of four bytes', new TextEncoder().encode('\ufeff{"é":"😀"}')],
  ['nothing', new Uint8Array()],
])('a body arrives as it was given, with its length: %s', async (_, bytes) => {
  await using listener = await listen(async () => new Response(bytes), { port: 0 });
  const answer = await fetch(listener.url);
  expect(answer.headers.get('content-length')).toBe(String(bytes.length));
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes);
});
