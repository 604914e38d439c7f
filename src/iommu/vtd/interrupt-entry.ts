/** Formats of interrupt remapping (VT-d 5 and 9.9, 9.10): requests, entries of the table, why one is refused. */

/** Why an interrupt was refused: fault reasons of interrupt remapping (VT-d 7.2.2). */
export const InterruptFaultReason = {
  /** The request sets reserved bits. */
  REQUEST_RESERVED: 0x20,
  /** Its index is beyond the table. */
  INDEX_TOO_LARGE: 0x21,
  NOT_PRESENT: 0x22,
  /** The table cannot be read. */
  TABLE_INACCESSIBLE: 0x23,
  ENTRY_RESERVED: 0x24,
  COMPATIBILITY_BLOCKED: 0x25,
  SOURCE_NOT_VERIFIED: 0x26,
  /** The posted-interrupt descriptor cannot be read. */
  DESCRIPTOR_INACCESSIBLE: 0x27,
  DESCRIPTOR_RESERVED: 0x28,
} as const;

/** One of {@link InterruptFaultReason}. */
export type InterruptFaultReason = (typeof InterruptFaultReason)[keyof typeof InterruptFaultReason];

/** An interrupt on its way to a processor. */
export interface Interrupt {
  /** Routing ID of the function that asked for it. */
  readonly sourceId: number;
  readonly vector: number;
  /** APIC ID, or a set of processors if `isLogical`. */
  readonly destination: number;
  /** DM. */
  readonly isLogical: boolean;
  /** RH: one processor of several. */
  readonly isRedirected: boolean;
  /** DLM: 0 fixed, 1 lowest priority, 2 SMI, 4 NMI, 5 INIT, 7 ExtINT. */
  readonly deliveryMode: number;
  /** TM. */
  readonly isLevel: boolean;
}

/** Bytes of an entry. */
export const ENTRY_BYTES = 16;
/** Where writes are interrupts. */
export const INTERRUPT_BASE = 0xfee0_0000;
export const INTERRUPT_END = 0xfef0_0000;

const PRESENT = 1 << 0;
const FAULTS_DISABLED = 1 << 1;
const POSTED = 1 << 15;
const URGENT = 1 << 14;
/** Delivery modes that there are not. */
const RESERVED_MODES = (1 << 3) | (1 << 6);

const REMAPPED_RESERVED = [0xff00_f000 | 0, 0xfff0_0000 | 0, -1];
const POSTED_RESERVED = [0xff00_30fc | 0, 0xfff0_0000 | 0, 0];
/** Bits of a destination that APIC IDs of eight bits leave: 15:8 has them. */
const SHORT_DESTINATION_RESERVED = ~0xff00;
/** Of PDA: bits 5:0 of its word. */
const POSTED_ADDRESS_RESERVED = 0x3f;

/** Low bits of a source that SQ takes out of the comparison. */
const QUALIFIERS = [0, 4, 6, 7];

/** Whether a request has the remappable format: then its address and data hold an index. */
export function isRemappable(address: number): boolean {
  return (address & (1 << 4)) !== 0;
}

/** Index of the entry of a remappable request; with SHV the data are added. */
export function entryIndex(address: number, data: number): number {
  const handle = ((address >>> 5) & 0x7fff) | ((address & 4) << 13);
  return hasSubhandle(address) ? handle + (data & 0xffff) : handle;
}

/** Whether a remappable request sets reserved bits: above the subhandle. */
export function requestReserved(address: number, data: number): boolean {
  return hasSubhandle(address) && data >>> 16 !== 0;
}

/** The interrupt of a request in compatibility format. */
export function compatibilityInterrupt(sourceId: number, address: number, data: number): Interrupt {
  return {
    sourceId,
    vector: data & 0xff,
    destination: (address >>> 12) & 0xff,
    isLogical: (address & 4) !== 0,
    isRedirected: (address & 8) !== 0,
    deliveryMode: (data >>> 8) & 7,
    isLevel: (data & 0x8000) !== 0,
  };
}

/** An entry of the interrupt remapping table, as its four words. */
export class InterruptEntry {
  private readonly w0: number;
  private readonly w1: number;
  private readonly w2: number;
  private readonly w3: number;

  constructor(w0: number, w1: number, w2: number, w3: number) {
    this.w0 = w0;
    this.w1 = w1;
    this.w2 = w2;
    this.w3 = w3;
  }

  /** FPD: refusals by this entry are not recorded. */
  get isSilent(): boolean {
    return (this.w0 & FAULTS_DISABLED) !== 0;
  }

  /** IM: the interrupt is posted. */
  get isPosted(): boolean {
    return (this.w0 & POSTED) !== 0;
  }

  /** Why nobody can be served by this entry, or 0. */
  problem(isExtended: boolean, canPost: boolean): InterruptFaultReason | 0 {
    if ((this.w0 & PRESENT) === 0) return InterruptFaultReason.NOT_PRESENT;
    const isPosted = canPost && this.isPosted;
    const [low, middle, high] = isPosted ? POSTED_RESERVED : REMAPPED_RESERVED;
    let reserved = (this.w0 & low) | (this.w2 & middle) | (this.w3 & high);
    if (isPosted) reserved |= this.w1 & POSTED_ADDRESS_RESERVED;
    else {
      if (!isExtended) reserved |= this.w1 & SHORT_DESTINATION_RESERVED;
      reserved |= RESERVED_MODES & (1 << ((this.w0 >>> 5) & 7));
    }
    if (((this.w2 >>> 18) & 3) === 3) reserved |= 1;
    return reserved === 0 ? 0 : InterruptFaultReason.ENTRY_RESERVED;
  }

  /** Whether a function may use this entry: SVT, SQ and SID. */
  admits(sourceId: number): boolean {
    const sid = this.w2 & 0xffff;
    switch ((this.w2 >>> 18) & 3) {
      case 1:
        return ((sid ^ sourceId) & ~QUALIFIERS[(this.w2 >>> 16) & 3]) === 0;
      case 2:
        return sourceId >>> 8 >= sid >>> 8 && sourceId >>> 8 <= (sid & 0xff);
      default:
        return true;
    }
  }

  /** The interrupt that a remapped entry makes. */
  interrupt(sourceId: number, isExtended: boolean): Interrupt {
    const { w0, w1 } = this;
    return {
      sourceId,
      vector: (w0 >>> 16) & 0xff,
      destination: isExtended ? w1 >>> 0 : (w1 >>> 8) & 0xff,
      isLogical: (w0 & 4) !== 0,
      isRedirected: (w0 & 8) !== 0,
      deliveryMode: (w0 >>> 5) & 7,
      isLevel: (w0 & 0x10) !== 0,
    };
  }

  /** Of a posted entry: the vector of the guest, VV. */
  get vector(): number {
    return (this.w0 >>> 16) & 0xff;
  }

  /** Of a posted entry: URG. */
  get isUrgent(): boolean {
    return (this.w0 & URGENT) !== 0;
  }

  /** Of a posted entry: address of the posted-interrupt descriptor, PDA. */
  get descriptor(): number {
    return ((this.w1 & ~POSTED_ADDRESS_RESERVED) >>> 0) + (this.w3 >>> 0) * 2 ** 32;
  }
}

/** SHV. */
function hasSubhandle(address: number): boolean {
  return (address & 8) !== 0;
}
