import { checkInteger } from '../../base/index.ts';
import { FlowClass } from '../tlp.ts';
import { dllpCrc } from './link-crc.ts';

/** Ack or Nak: all TLPs up to a sequence number have come (PCI Express Base 3.5.1). */
export interface AckNakDllp {
  readonly kind: 'Ack' | 'Nak';
  /** 0 to 4,095. */
  readonly sequence: number;
}

/** A DLLP of flow control, for one class of one Virtual Channel (3.4, 2.6.1). */
export interface FlowControlDllp {
  readonly kind: 'InitFC1' | 'InitFC2' | 'UpdateFC';
  readonly flowClass: FlowClass;
  /** 0 to 7. Default 0. */
  readonly virtualChannel?: number;
  /** HdrFC, 0 to 255, and DataFC, 0 to 4,095: credits, modulo their fields; 0 in InitFC1 is without end. */
  readonly headerCredits: number;
  readonly dataCredits: number;
  /** HdrScale and DataScale, 0 to 3: of Scaled Flow Control (3.4.2). Default 0: not in use. */
  readonly headerScale?: number;
  readonly dataScale?: number;
}

/** A DLLP of power management, or one that says nothing (3.5.1). */
export interface PlainDllp {
  readonly kind: 'PM_Enter_L1' | 'PM_Enter_L23' | 'PM_Active_State_Request_L1' | 'PM_Request_Ack' | 'NOP';
}

/** DLLPs whose three bytes behind the type mean what vendors, or a feature, say (3.5.1). */
export interface OpenDllp {
  readonly kind: 'Vendor_Specific' | 'Data_Link_Feature';
  /** 24 bits. */
  readonly content: number;
}

/** A Data Link Layer Packet, told apart by `kind`. */
export type Dllp = AckNakDllp | FlowControlDllp | PlainDllp | OpenDllp;

/** What has become of the bytes of a DLLP; a wrong CRC is a Bad DLLP, an unknown type is passed over (3.5.2.1, 3.6.2.2). */
export type ParsedDllp =
  | { readonly dllp: Dllp; readonly problem: null }
  | { readonly dllp: null; readonly problem: 'length' | 'crc' | 'type' };

/** Bytes of a DLLP with its CRC, without framing. */
export const DLLP_PACKET_BYTES = 6;

const TYPES: Readonly<Record<Exclude<Dllp['kind'], FlowControlDllp['kind']>, number>> = {
  Ack: 0x00,
  Data_Link_Feature: 0x02,
  Nak: 0x10,
  PM_Enter_L1: 0x20,
  PM_Enter_L23: 0x21,
  PM_Active_State_Request_L1: 0x23,
  PM_Request_Ack: 0x24,
  Vendor_Specific: 0x30,
  NOP: 0x31,
};
const BY_TYPE = new Map(Object.entries(TYPES).map(([kind, type]) => [type, kind as keyof typeof TYPES]));
const FLOW_CONTROL: Readonly<Record<FlowControlDllp['kind'], number>> = {
  InitFC1: 0x40,
  UpdateFC: 0x80,
  InitFC2: 0xc0,
};
const CLASSES: readonly FlowClass[] = [FlowClass.POSTED, FlowClass.NON_POSTED, FlowClass.COMPLETION];

/**
 * The six bytes of a DLLP, its CRC behind (PCI Express Base 3.5).
 *
 * @throws TypeError or RangeError for what does not fit its field.
 * @example
 * encodeDllp({ kind: 'Ack', sequence: 0 }); // 00000000 b362
 */
export function encodeDllp(dllp: Dllp): Uint8Array {
  const bytes = new Uint8Array(DLLP_PACKET_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, firstWord(dllp));
  view.setUint16(4, dllpCrc(bytes));
  return bytes;
}

function firstWord(dllp: Dllp): number {
  switch (dllp.kind) {
    case 'Ack':
    case 'Nak':
      return TYPES[dllp.kind] * 2 ** 24 + checkInteger('sequence', dllp.sequence, 0, 0xfff);
    case 'Vendor_Specific':
    case 'Data_Link_Feature':
      return TYPES[dllp.kind] * 2 ** 24 + checkInteger('content', dllp.content, 0, 0xffffff);
    case 'InitFC1':
    case 'InitFC2':
    case 'UpdateFC': {
      const { kind, flowClass, virtualChannel = 0, headerScale = 0, dataScale = 0 } = dllp;
      const type = FLOW_CONTROL[kind] | (checkInteger('flowClass', flowClass, 0, 2) << 4);
      return (
        (type | checkInteger('virtualChannel', virtualChannel, 0, 7)) * 2 ** 24 +
        (checkInteger('headerScale', headerScale, 0, 3) << 22) +
        (checkInteger('headerCredits', dllp.headerCredits, 0, 0xff) << 14) +
        (checkInteger('dataScale', dataScale, 0, 3) << 12) +
        checkInteger('dataCredits', dllp.dataCredits, 0, 0xfff)
      );
    }
    default:
      return TYPES[dllp.kind] * 2 ** 24;
  }
}

/** Takes a DLLP apart. Bytes are the wire's: nothing in them throws. */
export function parseDllp(bytes: Uint8Array): ParsedDllp {
  if (bytes.length !== DLLP_PACKET_BYTES) return { dllp: null, problem: 'length' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(4) !== dllpCrc(bytes)) return { dllp: null, problem: 'crc' };
  const word = view.getUint32(0);
  const dllp = read(word >>> 24, word & 0xffffff);
  return dllp === null ? { dllp, problem: 'type' } : { dllp, problem: null };
}

function read(type: number, content: number): Dllp | null {
  const kind = BY_TYPE.get(type);
  if (kind === 'Ack' || kind === 'Nak') return { kind, sequence: content & 0xfff };
  if (kind === 'Vendor_Specific' || kind === 'Data_Link_Feature') return { kind, content };
  if (kind !== undefined) return { kind };
  const flow = (Object.keys(FLOW_CONTROL) as FlowControlDllp['kind'][]).find(
    (each) => FLOW_CONTROL[each] === (type & 0xc0),
  );
  const flowClass = CLASSES[(type >>> 4) & 3];
  // Bit 3 is one of multi-root links.
  if (flow === undefined || flowClass === undefined || (type & 8) !== 0) return null;
  return {
    kind: flow,
    flowClass,
    virtualChannel: type & 7,
    headerCredits: (content >>> 14) & 0xff,
    dataCredits: content & 0xfff,
    headerScale: (content >>> 22) & 3,
    dataScale: (content >>> 12) & 3,
  };
}
