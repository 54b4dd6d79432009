// Errors of @grpc/grpc-js, from a real server and from ports where there is none.
import * as grpc from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { closedPort, failureOf, garbagePort, kindOf, silentPort } from './provoke.ts';

const path = '/shop.Orders/Get';
const raw = (bytes: Buffer): Buffer => bytes;

/** A server whose one method does what it is told. */
async function grpcServer(handle: grpc.handleUnaryCall<Buffer, Buffer>): Promise<number> {
  const server = new grpc.Server();
  const method = { path, requestStream: false, responseStream: false } as const;
  const codec = { requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw };
  server.addService({ get: { ...method, ...codec } }, { get: handle });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  onTestFinished(() => server.forceShutdown());
  return port;
}

/** Calls the method; `onCall` is handed the call to do something to it. */
function call(port: number, options: grpc.CallOptions = {}, onCall?: (call: grpc.ClientUnaryCall) => void) {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  return new Promise<Buffer>((resolve, reject) => {
    const made = client.makeUnaryRequest(
      path,
      raw,
      raw,
      Buffer.from('7'),
      new grpc.Metadata(),
      options,
      (error, answer) => (error === null ? resolve(answer as Buffer) : reject(error)),
    );
    onCall?.(made);
  });
}

test('no server, and one that speaks another protocol: UNAVAILABLE, transient', async () => {
  expect(await kindOf(call(await closedPort()))).toBe('transient');
  expect(await kindOf(call(await garbagePort()))).toBe('transient');
});

test('a silent server: DEADLINE_EXCEEDED, a time-out', async () => {
  const error = await failureOf(call(await silentPort(), { deadline: Date.now() + 50 }));
  expect(error).toMatchObject({ code: grpc.status.DEADLINE_EXCEEDED });
  expect(await kindOf(Promise.reject(error as Error))).toBe('timeout');
});

test('a call that was cancelled: CANCELLED, an abort', async () => {
  const port = await grpcServer(() => {});
  expect(await kindOf(call(port, {}, (made) => made.cancel()))).toBe('abort');
});

const transient: Record<string, string> = {
  UNAVAILABLE: 'transient',
  DEADLINE_EXCEEDED: 'timeout',
  CANCELLED: 'abort',
};
const refusals = Object.entries(grpc.status).filter(
  (entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] !== grpc.status.OK,
);

test.each(refusals)('a server that answers %s', async (name, code) => {
  const port = await grpcServer((_call, answer) => answer({ code, details: 'as told' }));
  expect(await kindOf(call(port))).toBe(transient[name] ?? 'no');
});
