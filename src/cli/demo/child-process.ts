import { type ChildProcess, fork } from 'node:child_process';
import type { ToChild } from './messages.ts';

/** The programs that the supervisor starts. */
export type ChildProgram = 'participant-main' | 'coordinator-main';

/** How a child ended. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

// Beside this file, with its extension: the sources run as they stand and the built package runs the same way.
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** A child process. It ends when the channel to it closes, so it cannot outlive the supervisor. */
export class Child {
  readonly name: string;
  /** Resolves when the process has ended, however it did, and everything it said has been heard. */
  readonly exited: Promise<ChildExit>;
  private readonly process: ChildProcess;

  /** @param onMessage is called with each message; which ones there are follows from the program. */
  constructor(name: string, program: ChildProgram, config: object, onMessage: (message: never) => void) {
    this.name = name;
    this.process = fork(new URL(`./${program}${extension}`, import.meta.url), [JSON.stringify(config)], {
      // Our stdout carries the result and nothing else; a child that has something to say says it on stderr.
      stdio: ['ignore', 2, 2, 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.process.on('message', (message) => onMessage(message as never));
    this.exited = this.watchExit();
  }

  // The exit may be seen before the last messages are read from the channel; its end comes after them.
  private watchExit(): Promise<ChildExit> {
    const exit = new Promise<ChildExit>((resolve, reject) => {
      this.process.once('exit', (code, signal) => resolve({ code, signal }));
      this.process.once('error', reject);
    });
    const drained = new Promise<void>((resolve) => this.process.once('disconnect', () => resolve()));
    return exit.then((how) => drained.then(() => how));
  }

  /** Sends a message; one that a dying child does not get is noticed by its exit. */
  send(message: ToChild): void {
    if (this.process.connected) this.process.send(message, () => undefined);
  }

  /** Ends the process at once, as a crash would: SIGKILL. Safe to call twice. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  /** Lets the process finish and end by itself. */
  async stop(): Promise<void> {
    this.send({ type: 'stop' });
    await this.exited;
  }
}

/** How a child ended, for people. */
export function exitText({ code, signal }: ChildExit): string {
  return signal === null ? `exit status ${code}` : `signal ${signal}`;
}
