const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/**
 * Bytes as people read them: three digits at most before the point, one behind it from KiB on.
 *
 * @example
 * byteSize(67_108_864) // => '64.0 MiB'
 */
export function byteSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
