/** A participant as a process: one business behind HTTP on loopback, with its own file. Started by the supervisor. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { businesses, readOrder } from './business.ts';
import type { ParticipantConfig } from './messages.ts';
import type { Order } from './order.ts';
import { type ParticipantCall, problem, readCall, services } from './participant-call.ts';
import { ParticipantStore } from './participant-store.ts';
import { childConfig, onStop, tellParent } from './process-child.ts';
import { answerThroughFault, drawFault, send, type WireFault } from './wire-faults.ts';

const longestBody = 1_048_576;

/** Reads a body as text; `undefined` when it is too long or the caller left. */
function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= longestBody) chunks.push(chunk);
    });
    request.on('end', () => resolve(length > longestBody ? undefined : Buffer.concat(chunks).toString('utf8')));
    request.on('close', () => resolve(undefined));
  });
}

interface Tally {
  requests: number;
  readonly faults: Record<WireFault, number>;
}

function serve(config: ParticipantConfig, store: ParticipantStore, tally: Tally): Server {
  const answer = async (call: ParticipantCall, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const fault = drawFault(config.faults, call);
    if (fault !== undefined) tally.faults[fault.kind]++;
    // The connection breaks before a byte of the body is looked at, let alone acted on.
    if (fault?.kind === 'reset')
      return answerThroughFault(response, fault, () => Promise.reject(new Error('not reached')));
    const body = await readBody(request);
    if (body === undefined)
      return send(response, problem(413, 'too-large', `the body is longer than ${longestBody} bytes`));
    let order: Order;
    try {
      order = readOrder(body);
    } catch (error) {
      return send(response, problem(422, 'invalid', error instanceof Error ? error.message : String(error)));
    }
    return answerThroughFault(response, fault, () => store.handle(call, order));
  };
  return createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    tally.requests++;
    let call: ParticipantCall;
    try {
      call = readCall(request.headers);
    } catch (error) {
      return send(response, problem(400, 'bad-request', error instanceof Error ? error.message : String(error)));
    }
    if (request.method !== 'POST' || call.step !== services[config.service]) {
      return send(
        response,
        problem(404, 'not-found', `${config.service} serves POST for step ${services[config.service]}`),
      );
    }
    void answer(call, request, response);
  });
}

const config = childConfig() as ParticipantConfig;
const store = new ParticipantStore(config.path, businesses[config.service]);
const tally: Tally = { requests: 0, faults: { reset: 0, unavailable: 0, 'reply-lost': 0, 'timed-out': 0, slow: 0 } };
const server = serve(config, store, tally);

onStop(async () => {
  server.close();
  server.closeAllConnections();
  store.close();
  await tellParent({ type: 'stopped', ...tally });
});
server.listen(0, '127.0.0.1', () => {
  void tellParent({ type: 'listening', port: (server.address() as AddressInfo).port });
});
