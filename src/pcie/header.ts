import { bit, bits, type RegisterField, type RegisterRow } from '../registers/index.ts';
import { type BarDefinition, barRows, romRow } from './bar.ts';
import type { FunctionContext } from './capabilities/capability.ts';

/** Offsets in the configuration header (PCI 3.0 6.1). */
export const VENDOR_ID = 0x00;
export const DEVICE_ID = 0x02;
export const COMMAND = 0x04;
export const STATUS = 0x06;
export const REVISION_ID = 0x08;
export const CLASS_CODE = 0x09;
export const HEADER_TYPE = 0x0e;
export const BAR0 = 0x10;
export const SUBSYSTEM_VENDOR_ID = 0x2c;
export const SUBSYSTEM_ID = 0x2e;
export const ROM_ADDRESS = 0x30;
export const CAPABILITIES_POINTER = 0x34;
export const INTERRUPT_PIN = 0x3d;

/** Bits of Command. */
export const COMMAND_IO = 1 << 0;
export const COMMAND_MEMORY = 1 << 1;
export const COMMAND_BUS_MASTER = 1 << 2;
export const COMMAND_PARITY_RESPONSE = 1 << 6;
export const COMMAND_SERR = 1 << 8;
export const COMMAND_INTERRUPT_DISABLE = 1 << 10;
/** Bits of Status: there is a list of capabilities, and what the function's requests have met. */
export const STATUS_CAPABILITIES = 1 << 4;
export const STATUS_MASTER_PARITY_ERROR = 1 << 8;
export const STATUS_SIGNALED_SYSTEM_ERROR = 1 << 14;
export const STATUS_SIGNALED_TARGET_ABORT = 1 << 11;
export const STATUS_RECEIVED_TARGET_ABORT = 1 << 12;
export const STATUS_RECEIVED_MASTER_ABORT = 1 << 13;
export const STATUS_DETECTED_PARITY_ERROR = 1 << 15;
/** Bit of Header Type: other functions may follow. */
export const MULTI_FUNCTION = 0x80;

/** Who a function says it is. */
export interface FunctionIdentity {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revision: number;
  /** Base class, sub-class and interface: 020000h is an Ethernet controller. */
  readonly classCode: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  /** INTx pin: 1 is INTA, 0 is none. Default: function n uses pin n mod 4 + 1. */
  readonly interruptPin?: number;
}

/** What a header is made of. */
export interface HeaderParts {
  readonly identity: FunctionIdentity;
  readonly bars: readonly BarDefinition[];
  /** Size of the expansion ROM, a power of two; 0 for none. */
  readonly romBytes: number;
  /** Offset of the first capability, 0 for none. */
  readonly firstCapability: number;
}

/** The header of an endpoint function, PF or VF (PCI 3.0 6.1 and 6.2, PCIe 3.0 7.5; SR-IOV 1.1 3.4.1). */
export function type0Rows(parts: HeaderParts, context: FunctionContext): RegisterRow[] {
  const { identity, bars, romBytes } = parts;
  const rows = [
    ...commonRows(parts, context, context.virtual ? virtualCommand() : command(bars)),
    word('Subsystem Vendor ID', SUBSYSTEM_VENDOR_ID, identity.subsystemVendorId, 'maker of the card'),
    word('Subsystem ID', SUBSYSTEM_ID, identity.subsystemId, 'the card'),
    byte('Min_Gnt', 0x3e, 0, 'not used in PCI Express'),
    byte('Max_Lat', 0x3f, 0, 'not used in PCI Express'),
  ];
  // A VF has no BARs of its own: its memory is in the VF BARs of the PF (SR-IOV 1.1 3.4.1.11).
  if (!context.virtual) {
    rows.push(...barRows(bars, BAR0, 'BAR', 'PCI 3.0 6.2.5.1'));
    if (romBytes > 0) rows.push(romRow(romBytes, ROM_ADDRESS));
  }
  return rows;
}

/** The registers that every header has. */
export function commonRows(
  { identity, firstCapability }: HeaderParts,
  context: FunctionContext,
  commandFields: readonly RegisterField[],
  layout = 0,
): RegisterRow[] {
  const { virtual } = context;
  const pin = virtual ? 0 : (identity.interruptPin ?? (context.number % 4) + 1);
  return [
    // The IDs of a VF read FFFFh, so that software which knows nothing of SR-IOV overlooks it (SR-IOV 1.1 3.4.1.1).
    word('Vendor ID', VENDOR_ID, virtual ? 0xffff : identity.vendorId, 'maker of the function'),
    word('Device ID', DEVICE_ID, virtual ? 0xffff : identity.deviceId, 'the function'),
    {
      name: 'Command',
      offset: COMMAND,
      bytes: 2,
      access: 'RO',
      phrase: 'what the function may do on the bus',
      section: virtual ? 'SR-IOV 1.1 3.4.1.3' : 'PCIe 3.0 7.5.1.1',
      fields: commandFields,
    },
    {
      name: 'Status',
      offset: STATUS,
      bytes: 2,
      access: 'RO',
      phrase: 'what has happened on the bus',
      section: virtual ? 'SR-IOV 1.1 3.4.1.4' : 'PCIe 3.0 7.5.1.2',
      fields: statusFields(firstCapability !== 0),
    },
    byte('Revision ID', REVISION_ID, identity.revision, 'revision of the function'),
    byte('Programming Interface', CLASS_CODE, identity.classCode & 0xff, 'kind of function'),
    word('Class Code', 0x0a, identity.classCode >> 8, 'kind of function'),
    virtual
      ? byte('Cache Line Size', 0x0c, 0, 'not used by a VF')
      : { ...byte('Cache Line Size', 0x0c, 0, 'not used in PCI Express'), access: 'RW' },
    byte('Latency Timer', 0x0d, 0, 'not used in PCI Express'),
    {
      ...byte('Header Type', HEADER_TYPE, 0, 'its layout'),
      fields: [
        bits('Layout', 0, 7, 'RO', 'type 0 or type 1', { reset: layout }),
        bit('Multi-Function', 7, 'RO', 'other functions may follow', {
          reset: context.multiFunction && !virtual ? 1 : 0,
        }),
      ],
    },
    byte('BIST', 0x0f, 0, 'no self test'),
    byte('Capabilities Pointer', CAPABILITIES_POINTER, firstCapability, 'offset of the first capability'),
    virtual
      ? byte('Interrupt Line', 0x3c, 0, 'not used by a VF')
      : { ...byte('Interrupt Line', 0x3c, 0, 'for software'), access: 'RW' },
    byte('Interrupt Pin', INTERRUPT_PIN, pin, 'INTx, 0 for none'),
  ];
}

function command(bars: readonly BarDefinition[]): RegisterField[] {
  const hasIo = bars.some((bar) => bar.kind === 'io');
  return commandFields(hasIo);
}

/** Fields of Command of a function that is no VF. */
export function commandFields(hasIo: boolean): RegisterField[] {
  return [
    bit('I/O Space Enable', 0, hasIo ? 'RW' : 'RO', 'answers in I/O space'),
    bit('Memory Space Enable', 1, 'RW', 'answers in memory space'),
    bit('Bus Master Enable', 2, 'RW', 'may send memory and I/O requests'),
    bit('Parity Error Response', 6, 'RW', 'records poisoned TLPs'),
    bit('SERR# Enable', 8, 'RW', 'may report errors'),
    bit('Interrupt Disable', 10, 'RW', 'must not use INTx'),
  ];
}

/** A VF answers in memory space by VF MSE of its PF, and has no INTx. */
function virtualCommand(): RegisterField[] {
  return [bit('Bus Master Enable', 2, 'RW', 'may send memory requests')];
}

function statusFields(hasCapabilities: boolean): RegisterField[] {
  return [
    bit('Interrupt Status', 3, 'RO', 'an INTx is pending'),
    bit('Capabilities List', 4, 'RO', 'there are capabilities', { reset: hasCapabilities ? 1 : 0 }),
    bit('Master Data Parity Error', 8, 'RW1C', 'a request or completion of its own was poisoned'),
    bit('Signaled Target Abort', 11, 'RW1C', 'it answered Completer Abort'),
    bit('Received Target Abort', 12, 'RW1C', 'it received Completer Abort'),
    bit('Received Master Abort', 13, 'RW1C', 'it received Unsupported Request'),
    bit('Signaled System Error', 14, 'RW1C', 'it sent an error message'),
    bit('Detected Parity Error', 15, 'RW1C', 'it received a poisoned TLP'),
  ];
}

/** A read-only 16-bit register of the header. */
export function word(name: string, offset: number, reset: number, phrase: string): RegisterRow {
  return { name, offset, bytes: 2, access: 'RO', reset, phrase, section: 'PCI 3.0 6.2' };
}

/** A read-only 8-bit register of the header. */
export function byte(name: string, offset: number, reset: number, phrase: string): RegisterRow {
  return { name, offset, bytes: 1, access: 'RO', reset, phrase, section: 'PCI 3.0 6.2' };
}
