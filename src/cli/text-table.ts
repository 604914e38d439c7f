/** A column of a text table. */
export interface Column {
  /** Words above the column; the group stands above the columns that share it. */
  title: string;
  group?: string;
  align: 'left' | 'right';
}

const GAP = 2;

/** Lines of a table with aligned columns. A column in which every cell is empty is left out. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const used = columns
    .map((column, i) => ({ column, i }))
    .filter(({ i }) => rows.some((row) => row[i] !== ''));
  const widths = used.map(({ column, i }) =>
    Math.max(column.title.length, ...rows.map((row) => row[i].length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, k) => (used[k].column.align === 'left' ? cell.padEnd(widths[k]) : cell.padStart(widths[k])))
      .join(' '.repeat(GAP))
      .trimEnd();
  const kept = used.map(({ column }) => column);
  const lines = rows.map((row) => line(used.map(({ i }) => row[i])));
  lines.unshift(line(kept.map(({ title }) => title)));
  if (kept.some(({ group }) => group !== undefined)) lines.unshift(groupLine(kept, widths));
  return lines;
}

/** Names of groups, each over the right end of its columns, with a rule over the rest: `--- sent`. */
function groupLine(columns: readonly Column[], widths: readonly number[]): string {
  let line = '';
  for (let k = 0; k < columns.length; ) {
    const { group } = columns[k];
    let width = widths[k];
    let next = k + 1;
    while (next < columns.length && group !== undefined && columns[next].group === group) {
      width += GAP + widths[next];
      next++;
    }
    const text = group === undefined ? '' : group.length < width ? ` ${group}`.padStart(width, '-') : group;
    line += `${k === 0 ? '' : ' '.repeat(GAP)}${text.padEnd(width)}`;
    k = next;
  }
  return line.trimEnd();
}
