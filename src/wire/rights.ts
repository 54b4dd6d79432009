/** What a credential may be allowed to do: one right a verb. */
export type Right =
  | 'read'
  | 'read-payload'
  | 'start'
  | 'restart'
  | 'renew'
  | 'signal'
  | 'cancel'
  | 'terminate'
  | 'delete'
  | 'retry'
  | 'retry-with'
  | 'resolve'
  | 'skip'
  | 'forward'
  | 'policy'
  | 'metrics';

/** Every {@link Right}. */
export const rights: readonly Right[] = [
  'read',
  'read-payload',
  'start',
  'restart',
  'renew',
  'signal',
  'cancel',
  'terminate',
  'delete',
  'retry',
  'retry-with',
  'resolve',
  'skip',
  'forward',
  'policy',
  'metrics',
];
