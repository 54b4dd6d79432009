/**
 * People who look after what automation has given up. They look now and then, and decide about each thing once in a while:
 * mostly to try again, else that it was done by hand, that an effect stays, that a saga goes on without it, or ends.
 */
import { isMakegoodError } from '../../errors.ts';
import type { SeededRandom } from '../../ports/random.ts';
import type { AttentionItem } from '../../tempo/attention-item.ts';
import { isPassing } from './clients.ts';
import { Violation } from './violation.ts';
import type { Life, PeopledWorld } from './peopled-world.ts';

// A saga that has just come to need somebody need not be on a list that is being made at that moment.
const toldWithinMs = 1000;

/** Everybody who looks after sagas. */
export class People {
  private readonly world: PeopledWorld;
  private readonly random: SeededRandom;
  private readonly everyMs: number;

  constructor(world: PeopledWorld) {
    this.world = world;
    this.random = world.random.split('people');
    this.everyMs = world.swarm.load.attentionMs;
  }

  /** Lets people look, from now on for ever. */
  begin(): void {
    this.world.kernel.after(this.everyMs * (0.5 + this.random()), 'person', () => {
      // A list that cannot be read now is looked at the next time.
      this.look().catch((error: unknown) => isPassing(error) || this.world.kernel.fail(error));
      this.begin();
    });
  }

  private async look(): Promise<void> {
    const { life } = this.world;
    if (life === undefined) return;
    const askedAt = this.world.kernel.now;
    const items = await life.tempo.attention.list().catch((error: unknown) => {
      if (isPassing(error)) return undefined;
      throw error;
    });
    if (items === undefined) return;
    // What a process says that is dead or closing says nothing.
    if (!this.world.isOpen(life) || life.process.stopped) return;
    this.checkAllAreTold(life, items, askedAt);
    for (const item of items) if (this.random() < 0.7) await this.decide(life, item);
  }

  private checkAllAreTold(life: Life, items: readonly AttentionItem[], askedAt: number): void {
    const told = new Set(items.map(({ sagaId }) => sagaId));
    for (const { id, state, movedAt } of this.world.judge.tracks.values()) {
      const waits = state?.status === 'needs-human' || (state?.status === 'terminated' && !state.finished);
      const since = Math.max(movedAt, life.since);
      if (!waits || told.has(id) || since + toldWithinMs > askedAt) continue;
      throw new Violation('I2b given up means somebody is told', `it is ${state.status}, and on nobody's list`, id);
    }
  }

  private async decide(life: Life, item: AttentionItem): Promise<void> {
    try {
      await this.carryOut(life, item);
    } catch (error) {
      const settled = [
        'MAKEGOOD_NOT_WAITING',
        'MAKEGOOD_SAGA_ENDED',
        'MAKEGOOD_SAGA_NOT_FOUND',
        'MAKEGOOD_SAGA_BLOCKED',
      ] as const;
      if (isPassing(error) || settled.some((code) => isMakegoodError(error, code))) return;
      throw error;
    }
  }

  private async carryOut({ tempo }: Life, { sagaId, step, reason }: AttentionItem): Promise<unknown> {
    const { attention } = tempo;
    const decision = { by: 'a person', note: 'simulated' };
    if (step === null) return attention.resolve(sagaId, null, { ...decision, output: 'by hand' });
    const draw = this.random();
    if (draw < 0.6) return attention.retry(sagaId, step, decision);
    if (draw < 0.65) return attention.retryWith(sagaId, step, { ...decision, args: { id: sagaId, payload: '' } });
    if (draw < 0.8) return attention.resolve(sagaId, step, { ...decision, output: 'by hand' });
    if (draw < 0.9 && reason !== 'action') return attention.skip(sagaId, step, decision);
    if (draw < 0.97) {
      const sent = attention.forward(sagaId, step, { ...decision, output: 'without' });
      return this.world.history.follow(sagaId, 'a person', { kind: 'send forward' }, sent, () => ({ kind: 'done' }));
    }
    const stopped = tempo.terminate(sagaId, { by: 'a person' });
    return this.world.history.follow(sagaId, 'a person', { kind: 'terminate' }, stopped, () => ({ kind: 'done' }));
  }
}
