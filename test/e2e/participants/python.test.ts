import { judgeParticipant } from './judge-participant.ts';

judgeParticipant({
  language: 'python',
  path: '/charge',
  input: { account: 'alice', cents: 125 },
  // The entry is written before the account is found to be short of money.
  refusedInput: { account: 'bob', cents: 1001 },
  checks: [
    // Every file compiles, also one that nothing imports; to nowhere, so that nothing is left behind.
    ['python3', '-X', 'pycache_prefix=/tmp/makegood-pycache', '-W', 'error', '-m', 'compileall', '-q', '.'],
    ['python3', '-m', 'ruff', 'check', '--quiet', '--no-cache', '.'],
    ['python3', '-m', 'ruff', 'format', '--check', '--quiet', '--no-cache', '.'],
    ['python3', '-W', 'error::SyntaxWarning', '-m', 'unittest'],
  ],
});
