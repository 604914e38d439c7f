import { type DecodedRegister, decodeTable, formatDecoded, type RegisterRow } from '../registers/index.ts';
import { type1Rows } from './bridge.ts';
import type { FunctionContext } from './capabilities/capability.ts';
import { headerRow } from './capabilities/capability.ts';
import { CAP_PCI_EXPRESS } from './capabilities/ids.ts';
import { knownCapability } from './capabilities/known.ts';
import { withOthers } from './capabilities/other-fields.ts';
import { PORT_ROOT } from './capabilities/pci-express.ts';
import { CAPABILITIES_POINTER, commandFields, commonRows, HEADER_TYPE, type0Rows } from './header.ts';
import { listCapabilities, offsetOf } from './probe.ts';

/** A part of a configuration space, register by register. */
export interface ExplainedPart {
  /** `Type 0 header`, 1 for bridges, 2 for those to CardBus; or a capability with its offset. */
  readonly title: string;
  readonly registers: readonly DecodedRegister[];
}

/** Root ports and event collectors, by Device/Port Type: they have root error registers. */
const ROOT_TYPES: readonly number[] = [PORT_ROOT, 10];
/** Where a bridge to CardBus has its Capabilities Pointer. */
const CARDBUS_POINTER = 0x14;
/** PCI-X may have extended capabilities, too. */
const CAP_PCI_X = 0x07;

const CONTEXT: FunctionContext = {
  virtual: false,
  number: 0,
  nextFunction: 0,
  multiFunction: false,
  lowest: true,
};

/**
 * Splits any configuration space into its registers and fields: the header, and the capabilities that its chains lead to.
 * Of a capability whose registers are not known the header and the name are shown.
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
    const known = withOthers(rows).filter((row) => row.offset + (row.bytes ?? 4) <= bytes.length);
    const sorted = [...known].sort((a, b) => a.offset - b.offset);
    return { title, registers: decodeTable({ name: title, bytes: 4096, rows: sorted }, read) };
  };
  const type = read(HEADER_TYPE, 1) & 0x7f;
  const header = type === 1 ? bridgeHeader(read) : type === 2 ? cardBusHeader() : endpointHeader(read);
  const parts = [decode(header, `Type ${type === 1 || type === 2 ? type : 0} header`)];
  const access = {
    read: (_routingId: number, offset: number, width: number) => read(offset, width),
    write() {},
  };
  const capabilities = listCapabilities(access, 0, type === 2 ? CARDBUS_POINTER : CAPABILITIES_POINTER);
  const express = offsetOf(capabilities, CAP_PCI_EXPRESS, false);
  const isRoot = express > 0 && ROOT_TYPES.includes((read(express + 2, 2) >> 4) & 15);
  const isExtended = express > 0 || offsetOf(capabilities, CAP_PCI_X, false) > 0;
  for (const { id, extended, offset, version } of capabilities) {
    // What PCI has behind 255 are its first 256 bytes again, or nothing.
    if (offset >= bytes.length || (extended && !isExtended)) continue;
    const known = knownCapability(id, extended);
    const name = known?.name ?? `capability ${id.toString(16)}h`;
    const capability = { id, extended, version, name, bytes: 0, rows: () => [] };
    const rows = [headerRow({ capability, offset, next: 0 })];
    for (const row of known?.rows((at, width) => read(offset + at, width), CONTEXT, isRoot) ?? []) {
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
  return [...rows, ...barsIn(read, 6)];
}

function bridgeHeader(read: (offset: number, width: number) => number): RegisterRow[] {
  return [...commonRows(PARTS, CONTEXT, commandFields(true), 1), ...type1Rows(), ...barsIn(read, 2)];
}

/** The BARs that hold something: what they are a dump does not say. */
function barsIn(read: (offset: number, width: number) => number, count: number): RegisterRow[] {
  const rows: RegisterRow[] = [];
  for (let i = 0; i < count; i++) {
    const offset = 0x10 + 4 * i;
    if (read(offset, 4) === 0) continue;
    const section = 'PCI 3.0 6.2.5.1';
    rows.push({ name: `BAR${i}`, offset, access: 'RW', phrase: 'base address', section });
  }
  return rows;
}

/** The header of a bridge to CardBus, which no function here has. */
function cardBusHeader(): RegisterRow[] {
  const section = 'PC Card 8.0 4.5';
  const row = (name: string, offset: number, bytes: 1 | 2 | 4): RegisterRow => ({
    name,
    offset,
    bytes,
    access: 'RO',
    phrase: '',
    section,
  });
  const windows = ['Memory Base 0', 'Memory Limit 0', 'Memory Base 1', 'Memory Limit 1'];
  const ports = ['I/O Base 0', 'I/O Limit 0', 'I/O Base 1', 'I/O Limit 1'];
  return [
    ...commonRows(PARTS, CONTEXT, commandFields(true), 2).filter(
      ({ offset }) => offset !== CAPABILITIES_POINTER,
    ),
    row('Socket Registers Base Address', 0x10, 4),
    row('Capabilities Pointer', CARDBUS_POINTER, 1),
    row('Secondary Status', 0x16, 2),
    row('PCI Bus Number', 0x18, 1),
    row('CardBus Bus Number', 0x19, 1),
    row('Subordinate Bus Number', 0x1a, 1),
    row('CardBus Latency Timer', 0x1b, 1),
    ...[...windows, ...ports].map((name, i) => row(name, 0x1c + 4 * i, 4)),
    row('Bridge Control', 0x3e, 2),
    row('Subsystem Vendor ID', 0x40, 2),
    row('Subsystem ID', 0x42, 2),
    row('Legacy Base Address', 0x44, 4),
  ];
}
