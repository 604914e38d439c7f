import { fetchQueueOf, writeBackOf } from '../dma/index.ts';
import { formatRoutingId, TlpKind } from '../pcie/index.ts';
import type { LogHeader, LogTrailer } from './log-format.ts';
import type { SingleTlp } from './single-tlps.ts';

/** Types as they are usually abbreviated. */
export const TLP_NAMES: Readonly<Record<TlpKind, string>> = {
  [TlpKind.MEMORY_READ]: 'MRd',
  [TlpKind.MEMORY_WRITE]: 'MWr',
  [TlpKind.COMPLETION]: 'Cpl',
  [TlpKind.COMPLETION_DATA]: 'CplD',
  [TlpKind.CONFIG_READ]: 'CfgRd',
  [TlpKind.CONFIG_WRITE]: 'CfgWr',
};

/** Numbers under which a card's engines sign their requests. */
const TRANSMIT = 0;
const RECEIVE = 1;

/** What the columns of {@link formatTlp} are called. */
export const TLP_COLUMNS = 'ns dir seq type requester address bytes headers data purpose';

/** One TLP as a line: the columns of {@link TLP_COLUMNS}, of which the last may have blanks. */
export function formatTlp(tlp: SingleTlp, header: LogHeader, trailer: LogTrailer): string {
  const credits = (count: number) => (count === Number.POSITIVE_INFINITY ? 'inf' : String(count));
  return [
    (tlp.startPs / 1000).toFixed(3),
    tlp.downstream ? 'down' : 'up',
    tlp.sequence,
    TLP_NAMES[tlp.kind],
    formatRoutingId(tlp.requester),
    `0x${tlp.address.toString(16)}`,
    tlp.bytes,
    credits(tlp.headerCredits),
    credits(tlp.dataCredits),
    tlpPurpose(tlp, header, trailer),
  ].join(' ');
}

/** What a TLP is for, in words. */
export function tlpPurpose(tlp: SingleTlp, header: LogHeader, { apertures }: LogTrailer): string {
  const { kind, client, cookie, address, word } = tlp;
  const value = word === null ? '' : ` = 0x${word.toString(16)}`;
  if (kind === TlpKind.CONFIG_READ || kind === TlpKind.CONFIG_WRITE) {
    const what = kind === TlpKind.CONFIG_READ ? 'read' : 'write';
    return `configuration ${what} of ${formatRoutingId(tlp.target)}${what === 'write' ? value : ''}`;
  }
  const isCompletion = kind === TlpKind.COMPLETION || kind === TlpKind.COMPLETION_DATA;
  const prefix = !isCompletion
    ? ''
    : tlp.status === 0
      ? 'completion: '
      : `completion, status ${tlp.status}: `;
  // Requests of the device travel upstream, and their completions downstream.
  if (tlp.downstream === isCompletion)
    return prefix + deviceRequest(client, cookie, tlp.place, header, value);
  if (isCompletion) return `${prefix}software's request${kind === TlpKind.COMPLETION_DATA ? value : ''}`;
  const at = apertures.find(({ base, bytes, count }) => address >= base && address < base + bytes * count);
  const what = kind === TlpKind.MEMORY_READ ? 'register read' : 'register write';
  if (at === undefined) return `${what}${value}`;
  const vf = Math.floor((address - at.base) / at.bytes);
  const offset = (address - at.base) % at.bytes;
  const fn = formatRoutingId(at.routingId + vf * at.stride);
  return `${what}, ${fn} BAR ${at.bar} + 0x${offset.toString(16)}${value}`;
}

function deviceRequest(
  client: number,
  cookie: number,
  place: number,
  { store }: LogHeader,
  value: string,
): string {
  if (client < 0) return `MSI-X message${value}`;
  const direction = client === TRANSMIT ? 'transmit' : client === RECEIVE ? 'receive' : `client ${client}`;
  const fetched = fetchQueueOf(cookie);
  if (fetched >= 0) return `descriptor fetch of ${direction} queue ${fetched}`;
  const writeBack = client === RECEIVE ? writeBackOf(cookie) : null;
  if (writeBack !== null)
    return `write-back of ${writeBack.count} descriptors of receive queue ${writeBack.queue}`;
  if (store !== null && place >= 0 && place < store.slots * store.slotBytes)
    return `${direction} payload, frame slot ${Math.floor(place / store.slotBytes)}`;
  return `${direction} descriptor write-back`;
}
