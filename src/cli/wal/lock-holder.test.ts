import { expect, test } from 'vitest';
import { writerAmong } from './lock-holder.ts';

const locks = `1: POSIX  ADVISORY  WRITE 4242 fe:00:1048577 1073741824 1073742335
2: POSIX  ADVISORY  READ 77 fe:00:1048578 1073741826 1073742335
3: FLOCK  ADVISORY  WRITE 9 103:02:5 0 EOF
`;

test('finds who has a file locked for writing in the list of the kernel', () => {
  expect(writerAmong(locks, { dev: 0xfe00n, ino: 1_048_577n })).toBe(4242);
  expect(writerAmong(locks, { dev: 0x1_0302n, ino: 5n })).toBe(9);
});

test('readers do not count, nor the same number on another device', () => {
  expect(writerAmong(locks, { dev: 0xfe00n, ino: 1_048_578n })).toBeUndefined();
  expect(writerAmong(locks, { dev: 0xfe01n, ino: 1_048_577n })).toBeUndefined();
  expect(writerAmong('', { dev: 0xfe00n, ino: 1n })).toBeUndefined();
});
