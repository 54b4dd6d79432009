/** The configuration of the server under test: one registered saga. */
import { saga } from '../../src/saga/saga.ts';
import type { ServerConfig } from '../../src/server/server-config.ts';

const greet = saga('greet')
  .input<string>()
  .step('greet', { run: ({ input }) => `Hello ${input}`, readOnly: true })
  .output(({ results }) => results.greet);

const config: ServerConfig = { sagas: [greet] };

export default config;
