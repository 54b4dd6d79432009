import { test } from 'vitest';
import { ledgerContract } from '../testing/ledger-suite.ts';
import { memoryLedger } from './memory-ledger.ts';

for (const { name, run } of ledgerContract) test(name, () => run(memoryLedger()));
