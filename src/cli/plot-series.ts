import type { ExperimentResult, PlotSpec, ResultColumn, ResultValue } from '../sim/experiments/index.ts';

/** A line, or loose points, of a plot. */
export interface PlotSeries {
  readonly name: string;
  /** x and y. */
  readonly points: readonly (readonly [number, number])[];
  /** Points that somebody has published, not a line of the rows. */
  readonly published: boolean;
  /** Which of the plot's `y` columns it is; published points: -1. */
  readonly column: number;
  /** Lines of the same rows have the same number. */
  readonly group: number;
}

/**
 * The lines of a result: one for each `y` column and each combination of the values that differ between rows,
 * and behind them the published points that stand over the same x. A value that is no number makes a gap; a line of such
 * values alone is left out.
 */
export function plotSeries(
  { columns, rows, published }: ExperimentResult,
  { x, y, besides = [] }: PlotSpec,
): readonly PlotSeries[] {
  const place = (name: string) => columns.findIndex((column) => column.name === name);
  const others = columns
    .map((column, index) => ({ column, index }))
    .filter(({ column: { name }, index }) => ![x, ...y, ...besides].includes(name) && differs(rows, index));
  const groups = new Map<string, (readonly ResultValue[])[]>();
  for (const row of rows) {
    const key = others.map(({ column, index }) => named(column, row[index])).join(', ');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  const series: PlotSeries[] = [];
  for (const [group, [key, members]] of [...groups].entries()) {
    for (const [column, name] of y.entries()) {
      const points = pointsOf(members, place(x), place(name));
      // A line of no points says nothing.
      if (points.length === 0) continue;
      const label = words(name);
      series.push({ name: key === '' ? label : `${key}: ${label}`, points, published: false, column, group });
    }
  }
  for (const { source, columns: theirs, rows: found } of published) {
    const across = theirs.findIndex((column) => column.name === x);
    if (across < 0) continue;
    for (const [index, { name }] of theirs.entries()) {
      if (index === across) continue;
      const points = pointsOf(found, across, index);
      series.push({ name: `${words(name)}: ${source}`, points, published: true, column: -1, group: -1 });
    }
  }
  return series;
}

function differs(rows: readonly (readonly ResultValue[])[], index: number): boolean {
  return rows.some((row) => row[index] !== rows[0][index]);
}

/** A value with its name, where it does not speak for itself. */
function named({ name, unit }: ResultColumn, value: ResultValue): string {
  if (value === 'yes' || value === 'no') return `${words(name)}: ${value}`;
  if (typeof value === 'string') return value;
  return `${words(name)} ${value ?? '-'}${unit === '' ? '' : ` ${unit}`}`;
}

/** `closedForm` as people write it. */
function words(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** In the order of x, so that a line never goes back. */
function pointsOf(rows: readonly (readonly ResultValue[])[], x: number, y: number): [number, number][] {
  return rows
    .flatMap((row): [number, number][] => {
      const [across, up] = [row[x], row[y]];
      return typeof across === 'number' && typeof up === 'number' ? [[across, up]] : [];
    })
    .sort(([a], [b]) => a - b);
}
