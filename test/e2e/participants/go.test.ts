import { judgeParticipant } from './judge-participant.ts';

judgeParticipant({
  language: 'go',
  path: '/reserve',
  input: { items: [{ sku: 'tea', quantity: 1 }] },
  // The first item is taken before the second is found to be sold out.
  refusedInput: {
    items: [
      { sku: 'tea', quantity: 1 },
      { sku: 'teapot', quantity: 4 },
    ],
  },
  checks: [
    ['gofmt', '-l', '.'],
    ['go', 'vet', './...'],
    ['go', 'test', '-count=1', './...'],
  ],
});
