import { http } from '../../../src/outbound/index.ts';
import { type Saga, type SagaDefinition, saga } from '../../../src/saga/index.ts';
import { type RemoteHandler, type RemoteParticipants } from '../../../src/testing/index.ts';
import { type Bench, open, stubborn } from './bench.ts';

/** One answer of a scripted participant. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A participant that answers its calls in their order; the last answer stays. */
export function script(...replies: readonly Reply[]): RemoteHandler {
  let call = 0;
  return () => {
    const { status, body, headers = {} } = replies[Math.min(call++, replies.length - 1)] as Reply;
    return new Response(body === undefined ? null : JSON.stringify(body), { status, headers });
  };
}

/** A participant that does whatever it is asked. */
export const ok = script({ status: 200, body: 'done' });

/** Which calls were made: `reserve action 1`. */
export function told({ calls }: RemoteParticipants): string[] {
  return calls.map(({ step, phase, attempt }) => `${step} ${phase} ${attempt}`);
}

/** A saga that reserves and charges; `options` are those of the charge. */
export function order(options: object = {}): Saga<{ readonly sku: string }> {
  return saga('order')
    .input<{ sku: string }>()
    .step('reserve', http({ url: 'http://stock/reserve', compensateUrl: 'http://stock/release' }))
    .step(
      'charge',
      http({
        url: 'http://bank/charge',
        compensateUrl: 'http://bank/refund',
        retry: { ...stubborn(2) },
        ...options,
      }),
    )
    .output();
}

/** Starts the saga `o` and lets it do what needs no time. */
export async function run(definition: SagaDefinition, caller: RemoteParticipants): Promise<Bench> {
  const bench = await open([definition], { caller });
  await bench.tempo.start(definition, { id: 'o', input: { sku: 'tea' }, headers: { 'X-Tenant': 'a' } });
  await bench.clock.settle();
  return bench;
}

/** How long after the first call each call came, in ms. */
export async function paceOf(bench: Bench): Promise<number[]> {
  const records = await bench.tempo.history('o');
  const calls = records.filter(
    (record) =>
      (record.type === 'step-started' || record.type === 'step-polled' || record.type === 'compensation-started') &&
      record.step === 'charge',
  );
  return calls.map(({ timestamp }) => timestamp - (calls[0]?.timestamp ?? 0));
}
