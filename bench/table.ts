import type { BenchResult } from './harness.ts';

const HEADINGS = ['', 'median', 'min', 'max', 'unit', 'samples', 'ratio'];

/** The results as lines of aligned columns. */
export function formatTable(results: readonly BenchResult[]): string {
  const rows = results.map((result) => [
    result.name,
    short(result.median),
    short(result.min),
    short(result.max),
    result.unit,
    String(result.samples),
    result.ratio === undefined ? '' : `${result.ratio.toPrecision(3)} x ${result.comparedTo}`,
  ]);
  const table = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, column) => Math.max(...table.map((row) => row[column].length)));
  // Names, units and ratios to the left, numbers to the right.
  const pad = (text: string, column: number) =>
    column === 0 || column === 4 || column === 6
      ? text.padEnd(widths[column])
      : text.padStart(widths[column]);
  return table.map((row) => `  ${row.map(pad).join('  ')}`.trimEnd()).join('\n');
}

/** Four significant digits, with k, M or G for large numbers. */
export function short(value: number): string {
  for (const [factor, suffix] of [
    [1e9, ' G'],
    [1e6, ' M'],
    [1e3, ' k'],
  ] as const) {
    if (Math.abs(value) >= factor * 10) return fourDigits(value / factor) + suffix;
  }
  return fourDigits(value);
}

function fourDigits(value: number): string {
  if (value === 0) return '0';
  const decimals = Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 6));
}
