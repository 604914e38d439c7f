import { hex } from '../base/index.ts';
import { ECAP_SRIOV } from './capabilities/ids.ts';
import { SRIOV_VF_DEVICE_ID } from './capabilities/sriov.ts';
import type { PcieFunction } from './function.ts';
import { DEVICE_ID, VENDOR_ID } from './header.ts';
import { formatRoutingId, parseRoutingId, type RoutingId } from './routing-id.ts';

const BYTES = 4096;

/** One function of a dump. */
export interface LspciFunction {
  /** PCI segment, which `lspci` calls domain, of machines with several. Default 0. */
  readonly segment?: number;
  readonly routingId: RoutingId;
  readonly title: string;
  /** Its configuration space: 64, 256 or 4,096 bytes, as much as the dump had. */
  readonly bytes: Uint8Array;
}

/**
 * Configuration spaces as text that `lspci -F FILE` reads and `lspci -xxxx` writes.
 *
 * @param functions in the order in which they are to appear.
 * @param view `raw` has what the hardware answers; `os` has Vendor ID and Device ID of VFs as an operating system fills them
 *   in, from the PF and its VF Device ID. The hardware says FFFFh there, and `lspci` knows no such device.
 * @example
 * writeFileSync('dump.txt', lspciDump(endpoint.allFunctions(), 'os'));
 */
export function lspciDump(functions: Iterable<PcieFunction>, view: 'raw' | 'os'): string {
  let text = '';
  for (const fn of functions) {
    const bytes = configBytes(fn);
    if (view === 'os') fillIn(fn, bytes);
    text += formatLspci({ routingId: fn.routingId, title: fn.profile.title, bytes });
  }
  return text;
}

/** All of a configuration space, as reads return it. */
export function configBytes(fn: PcieFunction): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  for (let offset = 0; offset < BYTES; offset += 4) view.setUint32(offset, fn.config.read32(offset), true);
  return bytes;
}

/** Where a function is, as `lspci` writes it: the segment before it only if it is another than 0. */
export function lspciAddress({ segment = 0, routingId }: LspciFunction): string {
  return `${segment === 0 ? '' : `${hex(segment, 4)}:`}${formatRoutingId(routingId)}`;
}

/** One function as `lspci -xxxx` writes it, with the empty line behind it. */
export function formatLspci(fn: LspciFunction): string {
  const { title, bytes } = fn;
  let text = `${lspciAddress(fn)} ${title}\n`;
  for (let row = 0; row < bytes.length; row += 16) {
    text += `${hex(row, 2)}:`;
    for (let i = row; i < row + 16; i++) text += ` ${hex(bytes[i], 2)}`;
    text += '\n';
  }
  return `${text}\n`;
}

/**
 * Reads what {@link lspciDump} or `lspci -x`, `-xxx`, `-xxxx` wrote. Lines of other kinds, as `lspci -v` has them in between,
 * are passed over.
 *
 * @throws RangeError with the line number if a row of bytes is malformed or out of place.
 */
export function parseLspciDump(text: string): LspciFunction[] {
  const functions: { segment?: number; routingId: RoutingId; title: string; bytes: number[] }[] = [];
  text.split(/\r?\n/).forEach((line, i) => {
    const head = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[01][0-9a-f]\.[0-7])(?:\s+(.*))?$/i.exec(line);
    if (head !== null) {
      const segment = Number.parseInt(head[1] ?? '0', 16);
      const place = { ...(segment === 0 ? {} : { segment }), routingId: parseRoutingId(head[2]) };
      functions.push({ ...place, title: head[3] ?? '', bytes: [] });
      return;
    }
    const row = /^([0-9a-f]{2,3}):((?: [0-9a-f]{2})+)\s*$/i.exec(line);
    if (row === null) return;
    const current = functions.at(-1);
    const values = row[2].trim().split(' ');
    if (
      current === undefined ||
      Number.parseInt(row[1], 16) !== current.bytes.length ||
      values.length !== 16 ||
      current.bytes.length >= BYTES
    ) {
      throw new RangeError(`line ${i + 1}: a row of 16 bytes is out of place: ${JSON.stringify(line)}`);
    }
    for (const value of values) current.bytes.push(Number.parseInt(value, 16));
  });
  return functions.map(({ bytes, ...rest }) => ({ ...rest, bytes: Uint8Array.from(bytes) }));
}

function fillIn(fn: PcieFunction, bytes: Uint8Array): void {
  const pf = fn.physical;
  if (pf === null) return;
  const view = new DataView(bytes.buffer);
  view.setUint16(VENDOR_ID, pf.config.read16(VENDOR_ID), true);
  const sriov = pf.findExtendedCapability(ECAP_SRIOV);
  view.setUint16(DEVICE_ID, pf.config.read16(sriov + SRIOV_VF_DEVICE_ID), true);
}
