import { type DecodedRegister, decodeTable, formatDecoded, type RegisterRow } from '../registers/index.ts';
import { type1Rows } from './bridge.ts';
import type { FunctionContext } from './capabilities/capability.ts';
import { headerRow } from './capabilities/capability.ts';
import { knownCapability } from './capabilities/known.ts';
import { commandFields, commonRows, HEADER_TYPE, type0Rows } from './header.ts';
import { listCapabilities } from './probe.ts';

/** A part of a configuration space, register by register. */
export interface ExplainedPart {
  /** `Type 0 header`, or a capability with its offset. */
  readonly title: string;
  readonly registers: readonly DecodedRegister[];
}

const CONTEXT: FunctionContext = {
  virtual: false,
  number: 0,
  nextFunction: 0,
  multiFunction: false,
  lowest: true,
};

/**
 * Splits any configuration space into its registers and fields: the header, and the capabilities that its chains lead to.
 * Of a capability that is not known only the header is shown.
 *
 * @param bytes 64, 256 or 4,096 bytes, as a dump has them.
 */
export function explainConfig(bytes: Uint8Array): ExplainedPart[] {
  const read = (offset: number, width: number): number => {
    let value = 0;
    for (let i = 0; i < width; i++) value += (bytes[offset + i] ?? 0) * 2 ** (8 * i);
    return value;
  };
  const decode = (rows: readonly RegisterRow[], title: string): ExplainedPart => {
    const known = rows.filter((row) => row.offset + (row.bytes ?? 4) <= bytes.length);
    const sorted = [...known].sort((a, b) => a.offset - b.offset);
    return { title, registers: decodeTable({ name: title, bytes: 4096, rows: sorted }, read) };
  };
  const isBridge = (read(HEADER_TYPE, 1) & 0x7f) === 1;
  const parts = [decode(isBridge ? bridgeHeader() : endpointHeader(read), `Type ${isBridge ? 1 : 0} header`)];
  const access = {
    read: (_routingId: number, offset: number, width: number) => read(offset, width),
    write() {},
  };
  for (const { id, extended, offset, version } of listCapabilities(access, 0)) {
    if (offset >= bytes.length) continue;
    const known = knownCapability(id, extended);
    const name = known?.name ?? `capability ${id.toString(16)}h`;
    const capability = { id, extended, version, name, bytes: 0, rows: () => [] };
    const rows = [headerRow({ capability, offset, next: 0 })];
    for (const row of known?.rows((at, width) => read(offset + at, width), CONTEXT) ?? []) {
      rows.push({ ...row, offset: offset + row.offset });
    }
    parts.push(decode(rows, `${name} at ${offset.toString(16)}h`));
  }
  return parts;
}

/** {@link explainConfig} as text. */
export function formatExplained(parts: readonly ExplainedPart[]): string {
  return parts.map(({ title, registers }) => `${title}\n${formatDecoded(registers)}`).join('\n');
}

const PARTS = {
  identity: {
    vendorId: 0,
    deviceId: 0,
    revision: 0,
    classCode: 0,
    subsystemVendorId: 0,
    subsystemId: 0,
  },
  bars: [],
  romBytes: 0,
  firstCapability: 0,
};

function endpointHeader(read: (offset: number, width: number) => number): RegisterRow[] {
  const rows = type0Rows(PARTS, CONTEXT).map((row) =>
    row.name === 'Command' ? { ...row, fields: commandFields(true) } : row,
  );
  for (let i = 0; i < 6; i++) {
    const offset = 0x10 + 4 * i;
    if (read(offset, 4) === 0) continue;
    rows.push({
      name: `BAR${i}`,
      offset,
      access: 'RW',
      phrase: 'base address',
      section: 'PCI 3.0 6.2.5.1',
    });
  }
  return rows;
}

function bridgeHeader(): RegisterRow[] {
  return [...commonRows(PARTS, CONTEXT, commandFields(true), 1), ...type1Rows()];
}
