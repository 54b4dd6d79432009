import type { ConformanceCheck } from './check.ts';
import { epochChecks } from './epoch-checks.ts';
import { formChecks } from './form-checks.ts';
import { interruptionChecks } from './interruption-checks.ts';
import { onceChecks } from './once-checks.ts';
import { probeChecks } from './probe-checks.ts';
import { undoChecks } from './undo-checks.ts';

/** Every check, in the order in which they are made: the plain ones first, so that the first failure says most. */
export const conformanceChecks: readonly ConformanceCheck[] = Object.freeze([
  ...onceChecks,
  ...undoChecks,
  ...epochChecks,
  ...probeChecks,
  ...formChecks,
  ...interruptionChecks,
]);
