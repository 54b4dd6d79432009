/**
 * A PostgreSQL server as processes see it, over connections. The fault model:
 *
 * - A statement takes its time, or very long, and arrives whatever becomes of the process that sent it.
 * - A connection is cut before a statement is carried out, or after it: then it took effect, and its sender cannot know.
 * - A process is cut off for a while: nothing comes through, and nobody says so.
 * - Hints (LISTEN, NOTIFY) are lost.
 */
import type { SeededRandom } from '../../ports/random.ts';
import type { Faults } from './faults.ts';
import type { Kernel } from './kernel.ts';
import { carryOut } from './modelled-statements.ts';
import type { ModelledStore } from './modelled-store.ts';
import type { SimulatedProcess } from './simulated-process.ts';

interface Result {
  readonly rows: readonly unknown[];
  readonly rowCount: number;
  readonly command: string;
}

type Listener = (message: { readonly payload?: string }) => void;

/** The server, and all connections to it. */
export class ModelledServer {
  readonly store: ModelledStore;
  readonly kernel: Kernel;
  readonly faults: Faults;
  readonly listening: Set<ModelledConnection> = new Set();
  private readonly latency: SeededRandom;
  private readonly cutUntil = new Map<SimulatedProcess, number>();

  constructor(store: ModelledStore, kernel: Kernel, faults: Faults, random: SeededRandom) {
    this.store = store;
    this.kernel = kernel;
    this.faults = faults;
    this.latency = random.split('server');
  }

  /** Connections for one process: what `pg` calls a pool. */
  poolFor(process: SimulatedProcess): ModelledPool {
    return new ModelledPool(this, process);
  }

  /** Cuts a process off for a while. */
  cutOff(process: SimulatedProcess, ms: number): void {
    this.cutUntil.set(process, this.kernel.now + ms);
    for (const connection of this.listening) {
      if (connection.process !== process) continue;
      this.listening.delete(connection);
      // Nobody says so before the peers can be reached again.
      process.after(ms, 'lost', () => connection.lose());
    }
  }

  isCut(process: SimulatedProcess): boolean {
    return (this.cutUntil.get(process) ?? 0) > this.kernel.now;
  }

  delayMs(): number {
    const slow = this.faults.strikes('store-slow');
    return 0.2 + this.latency() * 2 + (slow === undefined ? 0 : slow() ** 2 * 15_000);
  }

  /** Tells everybody who listens. */
  notify(payload: string): void {
    for (const connection of this.listening) {
      if (this.faults.strikes('hint-lost') !== undefined || this.isCut(connection.process)) continue;
      connection.process.after(this.delayMs(), 'hint', () => connection.hear(payload));
    }
  }
}

/** Connections for one process. */
export class ModelledPool {
  private readonly server: ModelledServer;
  private readonly process: SimulatedProcess;

  constructor(server: ModelledServer, process: SimulatedProcess) {
    this.server = server;
    this.process = process;
  }

  connect(): Promise<ModelledConnection> {
    const { server, process } = this;
    const connected = Promise.withResolvers<ModelledConnection>();
    if (server.isCut(process)) return connected.promise;
    process.after(0.1, 'connected', () => connected.resolve(new ModelledConnection(server, process)));
    return connected.promise;
  }

  async query(text: string, values?: unknown[]): Promise<Result> {
    return await (await this.connect()).query(text, values);
  }
}

/** One connection. */
export class ModelledConnection {
  readonly process: SimulatedProcess;
  private readonly server: ModelledServer;
  private readonly listeners: Listener[] = [];
  private readonly mourners: ((error: Error) => void)[] = [];

  constructor(server: ModelledServer, process: SimulatedProcess) {
    this.server = server;
    this.process = process;
  }

  query(text: string, values: readonly unknown[] = []): Promise<Result> {
    const { server, process } = this;
    const { faults, kernel } = server;
    const answered = Promise.withResolvers<Result>();
    const cut = (): void => {
      process.after(server.delayMs(), 'cut', () =>
        answered.reject(Object.assign(new Error('the connection was cut'), { code: 'ECONNRESET' })),
      );
    };
    // What left the process in time arrives, even when it is cut off or killed in the meantime.
    if (!process.alive || server.isCut(process)) return answered.promise;
    kernel.after(server.delayMs(), 'statement', () => {
      if (faults.strikes('store-cut') !== undefined) return cut();
      const rows = this.carryOut(text, values);
      if (faults.strikes('store-unknown') !== undefined) return cut();
      if (server.isCut(process)) return;
      process.after(server.delayMs(), 'rows', () =>
        answered.resolve({ rows, rowCount: rows.length, command: text.slice(0, text.indexOf(' ')) }),
      );
    });
    return answered.promise;
  }

  private carryOut(text: string, values: readonly unknown[]): readonly unknown[] {
    const { server } = this;
    try {
      if (text.startsWith('LISTEN')) server.listening.add(this);
      if (!text.includes('pg_notify')) return carryOut(server.store, text, values);
      server.notify(String(values[1]));
    } catch (error) {
      // A statement that the model does not know ends the run: the journal would only try it again.
      server.kernel.fail(error);
    }
    return [];
  }

  hear(payload: string): void {
    for (const listener of this.listeners) listener({ payload });
  }

  lose(): void {
    for (const mourner of this.mourners) mourner(new Error('the connection is lost'));
  }

  release(): void {
    this.server.listening.delete(this);
  }

  on(event: 'error' | 'notification', listener: unknown): unknown {
    if (event === 'notification') this.listeners.push(listener as Listener);
    else this.mourners.push(listener as (error: Error) => void);
    return this;
  }

  off(): unknown {
    return this;
  }
}
