export { byValue, type CareByValue } from './by-value.ts';
export { commutativeUpdate } from './commutative-update.ts';
export { RowPendingError } from './row-pending-error.ts';
export { releaseSemanticLock, type SemanticLock, semanticLock } from './semantic-lock.ts';
export type { RowPlace, SqlClient } from './sql-client.ts';
export { type FiledOperation, versionFile, versionFileSchema } from './version-file.ts';
export { rereadValue, type VersionedUpdate, versionedUpdate } from './versioned-update.ts';
