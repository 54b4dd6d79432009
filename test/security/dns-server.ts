import dgram from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import type { ResolveName } from '../../src/adapters/node/index.ts';

/** A DNS server whose answers a test makes, each for no longer than it takes to read it (TTL 0). */
export interface DnsServer extends AsyncDisposable {
  /** Asks this server, and no other. */
  readonly resolve: ResolveName;
  /** How many questions were answered. */
  readonly questions: number;
}

/** An answer to a question for an A record (RFC 1035 §4): the question again, and an address for each. */
function answerTo(question: Buffer, addresses: readonly string[]): Buffer {
  const end = question.indexOf(0, 12) + 5;
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(addresses.length, 6);
  header.writeUInt32BE(0, 8);
  const records = addresses.map((address) =>
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]),
  );
  return Buffer.concat([header, question.subarray(12, end), ...records]);
}

/** Starts a server; `answer` gives the addresses for a question by its number, from 1. */
export async function dnsServer(answer: (question: number) => readonly string[]): Promise<DnsServer> {
  const socket = dgram.createSocket('udp4');
  let questions = 0;
  socket.on('message', (question, from) => {
    socket.send(answerTo(question, answer(++questions)), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return {
    resolve: async (name) => (await resolver.resolve4(name)).map((address) => ({ address, family: 4 })),
    get questions() {
      return questions;
    },
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => socket.close(resolve));
    },
  };
}
