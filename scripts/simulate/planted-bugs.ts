import type { Mutant } from './mutant.ts';
import { clusterMutants } from './planted-in-clusters.ts';

const run = 'src/tempo/saga-run.ts';
const fleet = 'src/tempo/fleet.ts';
const forward = 'src/saga/go-forward.ts';
const back = 'src/saga/go-back.ts';
const recover = 'src/saga/recover-attempts.ts';
const outcome = 'src/saga/note-outcome.ts';
const writer = 'src/wal/log-writer.ts';
const commit = 'src/wal/group-commit.ts';
const journal = 'src/journal/wal-journal.ts';
const children = 'src/tempo/children.ts';

/** Bugs that coordinators have had, one at a time. */
export const mutants: readonly Mutant[] = [
  {
    name: 'acts before its records are durable',
    file: run,
    from: '          this.turn = turn;\n          this.host.journal.append(this.id, records, turn).then(this.durable, this.refused);\n          return;\n',
    to: '          void this.host.journal.append(this.id, records, turn);\n',
    profile: 'calm',
  },
  {
    name: 'a batch is acknowledged before it is synced',
    file: writer,
    from: 'await writeWhole(segment.durable, batch.frame.bytes, 0, batch.length,',
    to: 'await writeWhole(segment.unsynced, batch.frame.bytes, 0, batch.length,',
    profile: 'crash-points',
  },
  {
    name: 'an attempt that a crash cut short is forgotten',
    file: recover,
    from: 'recoverAction(draft, index, step, action);\n',
    to: '{}\n',
    profile: 'crash',
  },
  {
    name: 'a crash gives an attempt back',
    file: recover,
    from: 'const counted = action.attempts - action.uncounted;',
    to: 'const counted = action.attempts - action.uncounted - action.crashes - 1;',
    profile: 'crash',
  },
  {
    name: 'a restart forgets a running backoff',
    file: forward,
    from: 'if (action.retryAt !== undefined && action.retryAt > draft.context.now) {',
    to: 'if (action.retryAt !== undefined && action.retryAt - 50 > draft.context.now) {',
    profile: 'all',
  },
  {
    name: 'steps are undone in the order they were done',
    file: 'src/saga/compensation-order.ts',
    from: 'at(right).rank - at(left).rank,',
    to: 'at(left).rank - at(right).rank,',
    profile: 'calm',
  },
  {
    name: 'what is unknown is not undone',
    file: 'src/saga/compensation-order.ts',
    from: "if (step.status === 'confirmed' || step.status === 'unknown' || step.status === 'compensating') return true;",
    to: "if (step.status === 'confirmed' || step.status === 'compensating') return true;",
    profile: 'network',
  },
  {
    name: 'undoing does not wait for calls in flight',
    file: back,
    from: 'if (waitsForCalls(draft)) return;',
    to: 'waitsForCalls(draft);',
    profile: 'calm',
  },
  {
    name: 'undoing does not wait until a late call has settled',
    file: back,
    from: 'Math.max(settleAt ?? 0, compensation.retryAt ?? 0,',
    to: 'Math.max(0, compensation.retryAt ?? 0,',
    profile: 'network',
  },
  {
    name: 'what a callee was still at is undone at once',
    file: 'src/saga/settle-time.ts',
    from: 'return action.polling ? draft.context.now + draft.callStep(index).maxFlightMs : undefined;',
    to: 'return action.polling && draft.context.now < 0 ? draft.callStep(index).maxFlightMs : undefined;',
    profile: 'network',
  },
  {
    name: 'a failed attempt counts as nothing applied',
    file: outcome,
    from: "const unknown = command.effect !== 'none' || facts.mayBeApplied === true;",
    to: "const unknown = command.effect === 'none' && facts.mayBeApplied === true;",
    profile: 'network',
  },
  {
    name: 'one attempt too many',
    file: 'src/retry/decide-retry.ts',
    from: 'if (failed.number >= rules.maxAttempts) return attemptsExhausted;',
    to: 'if (failed.number > rules.maxAttempts) return attemptsExhausted;',
    profile: 'network',
  },
  {
    name: 'the wait asked for by Retry-After has no floor and no backoff',
    file: 'src/retry/decide-retry.ts',
    from: 'const delayMs = askedMs === undefined ? backoffMs : Math.max(backoffMs, askedMs);',
    to: 'const delayMs = askedMs === undefined ? backoffMs / 4 : askedMs;',
    profile: 'network',
  },
  {
    name: 'steps start after the deadline',
    file: forward,
    from: 'if (remainingFor(draft, index) <= 0) return missDeadline(draft, index);',
    to: 'if (remainingFor(draft, index) <= -1e6) return missDeadline(draft, index);',
    profile: 'all',
  },
  {
    name: 'a call is made though its saga was cancelled in the same append',
    file: run,
    from: "if (effect.type === 'run' && current.reason !== undefined) return this.send(leftUncalled(current, effect));",
    to: "if (effect.type === 'run' && current.seq < 0) return this.send(leftUncalled(current, effect));",
    profile: 'all',
  },
  {
    name: 'recovered sagas are not taken up',
    file: fleet,
    from: 'if (!run.blocked) this.takeUp(run);',
    to: 'if (!run.blocked && place < 3) this.takeUp(run);',
    profile: 'crash',
  },
  {
    name: 'a slot is not given back',
    file: run,
    from: 'this.hasSlot = false;\n      this.host.releaseSlot();',
    to: 'this.hasSlot = false;',
    profile: 'calm',
  },
  {
    name: 'after a restart nobody is told of what waits for a person',
    file: fleet,
    from: '      this.attention.note(run);\n      if (!run.blocked)',
    to: '      if (!run.blocked)',
    profile: 'crash',
  },
  {
    name: 'pauses end early',
    file: forward,
    from: 'if (until <= now) {',
    to: 'if (until <= now + 900) {',
    profile: 'all',
  },
  {
    name: 'a saga that finished is started again',
    file: journal,
    from: 'if (this.archive.mayHave(sagaId))',
    to: 'if (this.archive.mayHave(sagaId) && records.length === 0)',
    profile: 'all',
  },
  {
    name: 'a child does not tell its parent that it has ended',
    file: children,
    from: 'moved(child: SagaRun): void {\n    this.tellParent(child.state);',
    to: 'moved(child: SagaRun): void {\n    if (child.state?.status === "completed") this.tellParent(child.state);',
    profile: 'all',
  },
  {
    name: 'after a restart a child is not asked for again',
    file: recover,
    from: "if (action.open) draft.effects.push({ type: 'start-child', step: index });",
    to: '',
    profile: 'crash-points',
  },
  {
    name: 'attempts have no time-out',
    file: 'src/tempo/step-execution.ts',
    from: 'this.alarms.set(call, this.host.clock.monotonicMs() + effect.timeoutMs);',
    to: '',
    profile: 'network',
  },
  {
    name: 'whoever watches is told before the records are durable',
    file: run,
    from: '        const { records } = turn.decision;\n',
    to: '        const { records } = turn.decision;\n        if (this.host.observer !== undefined) tellRecords(this.host.observer, turn.state, records, 0);\n',
    profile: 'calm',
  },
  {
    name: 'what a failed sync may have lost is not written again',
    file: 'src/wal/tail-repair.ts',
    from: 'if (!scanned.marked && scanned.lastFrame !== undefined) await rewrite(folder, scanned.lastFrame);',
    to: '',
    profile: 'disk',
  },
  {
    name: 'the names of new files are not synced',
    file: 'src/wal/whole-io.ts',
    from: '  await files.rename(aside, path);\n  await files.syncDirectory(folder);',
    to: '  await files.rename(aside, path);',
    profile: 'crash-points',
  },
  {
    name: 'a checkpoint leaves out what waits for a person',
    file: 'src/journal/journal-checkpoint.ts',
    from: 'if (state !== undefined)\n    return entryOf(kinds.live,',
    to: "if (state !== undefined && state.status !== 'waiting')\n    return entryOf(kinds.live,",
    profile: 'all',
  },
  {
    name: 'a buffer is filled again while it is being written',
    file: commit,
    from: '    this.filling = this.resting;\n    this.resting = batch;\n    this.inFlight = batch;\n    this.filling.startLsn = batch.endLsn;\n    void this.run',
    to: '    this.resting = this.filling;\n    this.inFlight = batch;\n    void this.run',
    profile: 'all',
  },
  {
    name: 'two processes open one journal',
    file: 'src/wal/wal.ts',
    from: 'const lock = await files.lock(`${path}/LOCK`);',
    to: 'const lock = await files.lock(`${path}/LOCK-${Math.random()}`);',
    profile: 'crash',
  },
  {
    name: 'a coordinator that is closed leaves its timers',
    file: run,
    from: '    this.wakeTimer?.clear();\n    // Whoever owns',
    to: '    // Whoever owns',
    profile: 'crash',
  },
  ...clusterMutants,
];
