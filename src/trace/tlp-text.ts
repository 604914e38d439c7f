import { formatRoutingId, TlpKind } from '../pcie/index.ts';
import type { SingleTlp } from './tlp-cut.ts';
import type { TlpPurposes } from './tlp-purpose.ts';

/** Types as they are usually abbreviated. */
export const TLP_NAMES: Readonly<Record<TlpKind, string>> = {
  [TlpKind.MEMORY_READ]: 'MRd',
  [TlpKind.MEMORY_WRITE]: 'MWr',
  [TlpKind.COMPLETION]: 'Cpl',
  [TlpKind.COMPLETION_DATA]: 'CplD',
  [TlpKind.CONFIG_READ]: 'CfgRd',
  [TlpKind.CONFIG_WRITE]: 'CfgWr',
  [TlpKind.MESSAGE]: 'Msg',
};

/** Columns with their widths; numbers stand at the right, the last has blanks and is as long as it is. */
const COLUMNS: readonly (readonly [name: string, width: number])[] = [
  ['ns', 14],
  ['dir', -4],
  ['seq', 4],
  ['tag', 3],
  ['type', -5],
  ['requester', -9],
  ['function', -8],
  ['address', -14],
  ['bytes', 5],
  ['headers', 7],
  ['data', 4],
  ['purpose', -7],
];

/** What the columns of {@link formatTlp} are called. */
export const TLP_COLUMNS = line(COLUMNS.map(([name]) => name));

/**
 * One TLP as a line: the columns of {@link TLP_COLUMNS}, of which the last may have blanks. A column that says nothing of
 * it has a dash.
 */
export function formatTlp(tlp: SingleTlp, purposes: TlpPurposes): string {
  const credits = (count: number) => (count === Number.POSITIVE_INFINITY ? 'inf' : String(count));
  const fn = purposes.functionOf(tlp);
  return line([
    (tlp.startPs / 1000).toFixed(3),
    tlp.downstream ? 'down' : 'up',
    String(tlp.sequence),
    tlp.tag === null ? '-' : String(tlp.tag),
    TLP_NAMES[tlp.kind],
    formatRoutingId(tlp.requester),
    fn === null ? '-' : (purposes.functionNameOf(tlp) ?? formatRoutingId(fn)).replace(' ', ''),
    // One that brings nothing comes from nowhere.
    tlp.status === 0 ? `0x${tlp.address.toString(16)}` : '-',
    String(tlp.bytes),
    credits(tlp.headerCredits),
    credits(tlp.dataCredits),
    purposes.of(tlp),
  ]);
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => {
      const width = COLUMNS[i][1];
      return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
    })
    .join(' ')
    .trimEnd();
}
