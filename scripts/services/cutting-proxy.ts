import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/** A proxy before a server that cuts a connection when it is told to: before a request arrives, or before its answer does. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** Requests that contain this text reach the server, and their answer nobody: the connection is cut instead. */
  cutAnswersTo(text: string, times: number): void;
  /** Nothing passes in either direction, and no connection is closed, until it is told to go on. */
  hang(hanging: boolean): void;
  /** How many answers were cut so far. */
  readonly cuts: number;
}

export async function cuttingProxy(serverPort: number): Promise<CuttingProxy> {
  let victim = '';
  let left = 0;
  let cuts = 0;
  let hanging = false;
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1');
    let doomed = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    client.on('data', (bytes) => {
      if (hanging) return;
      if (left > 0 && bytes.includes(victim)) {
        left--;
        doomed = true;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (hanging) return;
      if (!doomed) return void client.write(bytes);
      cuts++;
      client.destroy();
      upstream.destroy();
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cutAnswersTo(text, times) {
      victim = text;
      left = times;
    },
    hang(on) {
      hanging = on;
    },
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
