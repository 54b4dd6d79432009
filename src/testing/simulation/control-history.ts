/**
 * What clients asked of each saga and were told, in the order in which they asked and heard: to be judged when nothing more
 * can come.
 */
import { isMakegoodError } from '../../errors.ts';
import type { SagaRecord } from '../../saga/record.ts';
import { foldRecords } from '../../saga/state.ts';
import { isTerminal } from '../../saga/status.ts';
import type { SagaView } from '../../saga/view.ts';
import { type ControlInput, controlModel, type ControlOutput } from './control-model.ts';
import { checkLinearizable, drawHistory, type Operation } from './linearizability.ts';
import { Violation } from './violation.ts';

type ControlOperation = Operation<ControlInput, ControlOutput>;

/** A request on its way. */
interface Asked {
  readonly client: string;
  readonly input: ControlInput;
  readonly calledAt: number;
  returnedAt: number;
  output: ControlOutput | undefined;
}

/** More of one saga are not judged: the search may take the square of squares. */
const mostOperations = 200;

/** Answers that say that there is none: it may have been done, now or later. */
function isAnswer(error: unknown): boolean {
  const refusals = [
    'MAKEGOOD_SAGA_CONFLICT',
    'MAKEGOOD_SAGA_PURGED',
    'MAKEGOOD_SAGA_ENDED',
    'MAKEGOOD_SAGA_NOT_FOUND',
    'MAKEGOOD_SAGA_BLOCKED',
    'MAKEGOOD_PAST_PIVOT',
    'MAKEGOOD_SIGNAL_REFUSED',
  ] as const;
  return refusals.some((code) => isMakegoodError(error, code));
}

/** All that was asked in one world. */
export class ControlHistory {
  /** How many requests were judged. */
  judged = 0;
  private readonly sagas = new Map<string, Asked[]>();
  private readonly model: ReturnType<typeof controlModel>;
  private places = 0;

  /** @param repeats whether a request may be carried out twice, see {@link controlModel}. */
  constructor(repeats: boolean = false) {
    this.model = controlModel(repeats);
  }

  /**
   * Follows a request from its call to its answer.
   *
   * @param outputOf what a good answer tells.
   */
  async follow<Value>(
    sagaId: string,
    client: string,
    input: ControlInput,
    answer: Promise<Value>,
    outputOf: (value: Value) => ControlOutput,
  ): Promise<Value> {
    const asked: Asked = { client, input, calledAt: ++this.places, returnedAt: Infinity, output: undefined };
    const own = this.sagas.get(sagaId);
    if (own === undefined) this.sagas.set(sagaId, [asked]);
    else own.push(asked);
    try {
      const value = await answer;
      this.answered(asked, outputOf(value));
      return value;
    } catch (error) {
      if (isAnswer(error)) this.answered(asked, { kind: 'refused', code: (error as { code: string }).code });
      throw error;
    }
  }

  private answered(asked: Asked, output: ControlOutput): void {
    asked.output = output;
    asked.returnedAt = ++this.places;
  }

  /**
   * Judges everything.
   *
   * @throws {Violation} when the answers about a saga contradict each other.
   */
  judge(): void {
    for (const sagaId of this.sagas.keys()) this.judgeOne(sagaId);
  }

  private judgeOne(sagaId: string): void {
    const operations: readonly ControlOperation[] = this.sagas.get(sagaId) ?? [];
    // Those that are steps of others are started by no client.
    if (operations.length > mostOperations || sagaId.includes('~')) return;
    this.judged += operations.length;
    const { linearizable, stuck } = checkLinearizable(this.model, operations);
    if (linearizable) return;
    const picture = drawHistory(operations, stuck, ({ input, output }) => `${nameOf(input)} => ${tell(output)}`);
    throw new Violation('I20 the control API is linearizable', `no order explains these answers:\n${picture}`, sagaId);
  }
}

function nameOf(input: ControlInput): string {
  if (input.kind === 'start') return `start ${input.request}`;
  return input.kind === 'signal' ? `signal ${input.name} ${JSON.stringify(input.payload)}` : input.kind;
}

function tell(output: ControlOutput | undefined): string {
  if (output === undefined) return 'no answer';
  if (output.kind === 'refused') return output.code;
  if (output.kind !== 'sight') return output.kind;
  const { seq, turned, over, signals } = output.sight;
  const had = signals === undefined ? '' : `, has had ${Object.keys(signals).join(' ') || 'no signal'}`;
  return `record ${seq}, ${over ?? (turned ? 'being undone' : 'goes forward')}${had}`;
}

/** What a view shows. It does not tell which signals have come: one may wait until the saga has a slot. */
export function sightOfView({ seq, reason, status }: SagaView): ControlOutput {
  const over = status !== 'blocked' && isTerminal(status) ? status : undefined;
  return { kind: 'sight', sight: { seq, turned: reason !== undefined, over, signals: undefined } };
}

/** What a history shows. */
export function sightOfRecords(sagaId: string, records: readonly SagaRecord[]): ControlOutput {
  const state = foldRecords(sagaId, records);
  if (state === undefined) return { kind: 'nothing' };
  const signals: Record<string, string> = {};
  for (const record of records)
    if (record.type === 'signal-received') signals[record.step] = JSON.stringify(record.payload);
  const over = isTerminal(state.status) ? state.status : undefined;
  const turned = state.reason !== undefined || state.status === 'terminated';
  return { kind: 'sight', sight: { seq: state.seq, turned, over, signals } };
}
