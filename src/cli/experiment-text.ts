import type {
  ExperimentResult,
  PublishedPoints,
  ResultColumn,
  ResultValue,
} from '../sim/experiments/index.ts';
import { formatTable } from './text-table.ts';

/** A result for people: its rows as a table, below it what has to be known of them, and what others have published. */
export function formatResultText(
  { experiment, columns, rows, published, partial }: ExperimentResult,
  note: string,
): string {
  const blocks = [
    [partial === true ? `${experiment}: partial, it was interrupted` : experiment, ...table(columns, rows)],
    ...published.map(publishedBlock),
  ];
  if (note !== '') blocks.splice(1, 0, [note]);
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function publishedBlock({ source, columns, rows }: PublishedPoints): string[] {
  return [`Published: ${source}`, ...table(columns, rows)];
}

function table(columns: readonly ResultColumn[], rows: readonly (readonly ResultValue[])[]): string[] {
  return formatTable(
    columns.map(({ name, unit }) => ({
      title: unit === '' ? name : `${name} ${unit}`,
      align: 'right' as const,
    })),
    rows.map((row) => row.map(shown)),
  );
}

/** A number with two decimals where it has any. */
function shown(value: ResultValue): string {
  if (value === null) return '-';
  return typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(2) : String(value);
}

/** The rows as RFC 4180 has them, under a line with names and units. */
export function formatResultCsv({ columns, rows }: ExperimentResult): string {
  const head = columns.map(({ name, unit }) => (unit === '' ? name : `${name} [${unit}]`));
  const lines = [head, ...rows.map((row) => row.map((value) => (value === null ? '' : String(value))))];
  return lines.map((cells) => `${cells.map(quoted).join(',')}\r\n`).join('');
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
