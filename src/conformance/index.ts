export type { ConformanceGroup } from './check.ts';
export {
  type ConformanceOptions,
  type ConformanceReport,
  type ConformanceResult,
  ParticipantUnreachableError,
  runConformance,
} from './run-conformance.ts';
