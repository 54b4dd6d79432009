/** A participant of any language as a process on a database of its own: started, killed, started again. */
import { Client } from 'pg';
import { type Service, startService } from '../../../scripts/services/service.ts';

export interface ParticipantPlan {
  readonly name: string;
  readonly command: readonly string[];
  /** A database that nobody else has; made here. */
  readonly database: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a participant on the server at `serverUrl`, in a new database. */
export async function startParticipant(serverUrl: string, plan: ParticipantPlan): Promise<Service> {
  const admin = new Client({ connectionString: serverUrl });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${plan.database}`);
  await admin.end();
  const databaseUrl = new URL(serverUrl);
  databaseUrl.pathname = plan.database;
  const env = { DATABASE_URL: databaseUrl.href, EFFECTS_VIEW: 'on', ...plan.env };
  return await startService({
    name: plan.name,
    command: ({ port }) => [
      'env',
      ...Object.entries({ ...env, PORT: String(port) }).map(([name, value]) => `${name}=${value}`),
      ...plan.command,
    ],
    url: (port) => `http://127.0.0.1:${port}`,
  });
}

/** Kills it as a crash would, and starts it again. */
export async function crash(participant: Service): Promise<void> {
  participant.signal('SIGKILL');
  await participant.restart();
}
