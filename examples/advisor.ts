import { advise, modeSwitch, SlaSyntaxError } from 'makegood/advisor';
import { saga } from 'makegood/saga';

// #region advise
const advice = advise({ sla: 'p99<80ms', partition: 'cp-ap-fallback', semantics: 'causal' });
console.log(advice.mode, advice.consistency, advice.possible); // prints: choreography causal true
console.log(advice.reasons[0]?.text); // prints: effects must follow their causes
// #endregion

// #region cases
const cases = {
  // A payment must not be made twice or half: what cannot be undone stands behind the pivot.
  payment: advise({
    sla: 'p99<2s',
    partition: 'cp',
    semantics: 'idempotent',
    irreversible: 'behind-pivot',
    valueAtRisk: 'high',
    participantP99: '300ms',
    quorumP99: '6ms',
  }),
  // Stock is looked at by everyone and answered at once; a warehouse that is cut off goes on with what it has.
  stock: advise({ sla: 'p99<40ms', partition: 'cp-ap-fallback', semantics: 'idempotent', quorumP99: '6ms', steps: 2 }),
  // A coupon too many costs little; a shop that cannot redeem it loses a customer.
  coupon: advise({ sla: 'p99<80ms', partition: 'ap', semantics: 'idempotent', conflictRate: 0.02, fsyncP99: '2ms' }),
  // A ledger has one order of entries, whatever the hurry.
  ledger: advise({ sla: 'p99<200ms', partition: 'cp', semantics: 'total-order', quorumP99: '6ms' }),
  // In a feed an answer must not come before its question; nobody minds how strangers are ordered.
  feed: advise({
    sla: 'p99<80ms',
    partition: 'cp-ap-fallback',
    semantics: 'causal',
    quorumP99: '6ms',
    fsyncP99: '2ms',
  }),
};
for (const [name, { rule, mode, consistency, fallback, budget }] of Object.entries(cases))
  console.log(name, rule, mode, consistency, fallback, `${budget.neededMs} of ${budget.limitMs} ms`);
// prints: payment refuse-rather-than-disagree orchestration cp-cached none 924 of 2000 ms
// prints: stock in-a-hurry orchestration cp-cached ap-compensated 18 of 40 ms
// prints: coupon mend-afterwards saga-first ap-compensated none 12 of 80 ms
// prints: ledger one-order orchestration cp-cached none 24 of 200 ms
// prints: feed causal-dependence choreography causal none 24 of 80 ms
// #endregion

// #region contradiction
const dream = advise({ sla: 'p99<80ms', partition: 'ap', semantics: 'total-order' });
console.log(dream.possible, dream.offer, dream.consistency); // prints: false { semantics: 'causal' } causal
// #endregion

// #region position
try {
  const sla: string = 'p99 < 80 parsecs';
  advise({ sla, partition: 'cp', semantics: 'causal' });
} catch (error) {
  if (error instanceof SlaSyntaxError) console.log(error.message); // prints: Expected sla to have ms, s or m at position 9
}
// #endregion

// #region require
const transfer = saga('transfer', { require: { sla: 'p99<40ms', partition: 'cp', semantics: 'total-order' } })
  .input<{ amount: number }>()
  .step('debit', { run: ({ input }) => -input.amount, compensate: () => undefined })
  .step('credit', { run: ({ input }) => input.amount, compensate: () => undefined })
  .output();
console.log(transfer.steps.map(({ name }) => name).join(', ')); // prints: debit, credit

try {
  saga('transfer', { require: { sla: 'p99<40ms', partition: 'cp', semantics: 'total-order' } })
    .input<{ amount: number }>()
    // @ts-expect-error the compiler says what is printed below
    .step('debit', { run: ({ input }) => -input.amount, compensate: () => undefined, mode: 'saga-first' });
} catch (error) {
  console.log((error as Error).message); // prints: Expected mode: "durable": consistency "cp-cached" agrees before it answers
}
// #endregion

// #region switch
const modes = modeSwitch({ sla: 'p99<40ms', partition: 'cp-ap-fallback', semantics: 'idempotent' });
modes.observe({ cutOff: true });
console.log(modes.choose({ 'cp-cached': 'order, agreed first', 'ap-compensated': 'order, mended later' })); // prints: order, mended later
// #endregion
