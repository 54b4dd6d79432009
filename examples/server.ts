/** A server inside a program of your own, and a client of it: `makegood serve` does the same as a process. */
import type { Fetch } from 'makegood/ports';
import { makegoodClient } from 'makegood/client';
import { memoryJournal } from 'makegood/journal';
import { saga } from 'makegood/saga';
import { openServer } from 'makegood/server';

// #region server
const greet = saga('greet')
  .input<{ name: string }>()
  .step('greet', { run: ({ input }) => `Hello ${input.name}`, readOnly: true })
  .wait('reply')
  .output(({ results }) => results);

await using server = await openServer({ journal: memoryJournal(), sagas: [greet] });
// server.handle is a function from a Request to a Response: give it to whatever listens.
// #endregion

const fetch: Fetch = (input, init) => {
  const request = new Request(input, init);
  request.headers.set('host', 'localhost');
  return server.handle(request);
};

// #region client
const client = makegoodClient({ url: 'http://localhost', fetch });
const { created } = await client.start({ id: 'g-1', name: 'greet', input: { name: 'Ada' } });
await client.signal('g-1', 'reply', 'hi');
const { status, output } = await client.outcome('g-1', { wait: '10s' });
console.log(created, status, JSON.stringify(output)); // prints: true completed {"greet":"Hello Ada","reply":"hi"}
// #endregion
