import type { RoutingId } from '../routing-id.ts';
import type { CompletionStatus } from '../tlp.ts';
import type { TlpPrefix } from './prefix.ts';

/** What any TLP may have in its header, behind it and before it (PCI Express Base 2.2). */
export interface TlpCommon {
  /** TC, 0 to 7. Default 0. */
  readonly trafficClass?: number;
  /** Attr: No Snoop in bit 0, Relaxed Ordering in bit 1, ID-based Ordering in bit 2. Default 0. */
  readonly attributes?: number;
  /** EP: the payload is known to be bad (2.7.2). Default false. */
  readonly poisoned?: boolean;
  /** TD: an ECRC follows (2.7.1); the encoder computes it. Default false. */
  readonly digest?: boolean;
  /** TLP prefixes, in their order: local ones first (2.2.10). Default none. */
  readonly prefixes?: readonly TlpPrefix[];
}

/** What every request has. */
export interface RequestCommon extends TlpCommon {
  readonly requester: RoutingId;
  /** 0 to 1,023: beyond 255 it takes the bits T8 and T9, of a requester of ten-bit tags. */
  readonly tag: number;
}

/** Steering: Processing Hint and Steering Tag of a request with TH (2.2.7.1). */
export interface TlpHints {
  /** PH, 0 to 3. */
  readonly processingHint: number;
  /** ST[7:0], 0 to 255: of a read and an AtomicOp in place of the byte enables, of a write in place of the tag. */
  readonly steeringTag: number;
}

/** What a request to memory has: reads, writes and AtomicOps (2.2.7). */
export interface MemoryCommon extends RequestCommon {
  /** Of the first double word: a multiple of four below 2^64; from 4 GiB up the header has four double words. */
  readonly address: bigint;
  /** AT: 0 untranslated, 1 translation request, 2 translated, 3 reserved (2.2.4.1). Default 0. */
  readonly addressType?: number;
  /** TH, with what it brings. Default none. */
  readonly hints?: TlpHints | null;
  /** A header of four double words although the address is below 4 GiB, which a requester must not send. Default false. */
  readonly longHeader?: boolean;
}

/** Memory Read, or its locked form (2.2.7). */
export interface MemoryReadTlp extends MemoryCommon {
  readonly kind: 'MRd' | 'MRdLk';
  /** Length in double words, 1 to 1,024. */
  readonly words: number;
  /** Byte enables of the first and the last double word; with TH those of whole double words. */
  readonly firstEnables: number;
  readonly lastEnables: number;
}

/** Memory Write (2.2.7). */
export interface MemoryWriteTlp extends MemoryCommon {
  readonly kind: 'MWr';
  readonly firstEnables: number;
  readonly lastEnables: number;
  /** Whole double words. */
  readonly payload: Uint8Array;
}

/** AtomicOp request: its operands are its payload (2.2.7, 6.15). */
export interface AtomicTlp extends MemoryCommon {
  readonly kind: 'FetchAdd' | 'Swap' | 'CAS';
  readonly payload: Uint8Array;
}

/** I/O request, of one double word (2.2.7). */
export interface IoTlp extends RequestCommon {
  readonly kind: 'IORd' | 'IOWr';
  /** Of the double word: a multiple of four below 2^32. */
  readonly address: number;
  readonly firstEnables: number;
  /** Four bytes; none of a read. */
  readonly payload: Uint8Array;
}

/** Configuration request of type 0 or 1, of one double word (2.2.7). */
export interface ConfigTlp extends RequestCommon {
  readonly kind: 'CfgRd0' | 'CfgRd1' | 'CfgWr0' | 'CfgWr1';
  readonly target: RoutingId;
  /** Byte offset of the double word, 0 to 4,092. */
  readonly register: number;
  readonly firstEnables: number;
  /** Four bytes; none of a read. */
  readonly payload: Uint8Array;
}

/** Message, without or with data (2.2.8). */
export interface MessageTlp extends RequestCommon {
  readonly kind: 'Msg' | 'MsgD';
  /** r[2:0], 0 to 7: see {@link MessageRouting}. */
  readonly routing: number;
  /** Message Code, 0 to 255. */
  readonly code: number;
  /** Bytes 8 to 15 of the header: an address, a Routing ID, or what the code says. */
  readonly parameters: Uint8Array;
  /** Whole double words; none of a message without data. */
  readonly payload: Uint8Array;
}

/** Completion, without or with data, or for a locked read (2.2.9). */
export interface CompletionTlp extends TlpCommon {
  readonly kind: 'Cpl' | 'CplD' | 'CplLk' | 'CplDLk';
  readonly requester: RoutingId;
  readonly tag: number;
  readonly completer: RoutingId;
  /** Completion Status, 0 to 7; reserved values count as Unsupported Request. */
  readonly status: CompletionStatus | 3 | 5 | 6 | 7;
  /** BCM, of PCI-X completers alone. Default false. */
  readonly byteCountModified?: boolean;
  /** Bytes that the request still misses, those of this completion included: 1 to 4,096. */
  readonly byteCount: number;
  /** Low seven bits of the address of the first byte that it brings. */
  readonly lowerAddress: number;
  readonly payload: Uint8Array;
}

/** A Transaction Layer Packet with all that it carries, told apart by `kind`: the specification's name of its type. */
export type TlpPacket =
  | MemoryReadTlp
  | MemoryWriteTlp
  | AtomicTlp
  | IoTlp
  | ConfigTlp
  | MessageTlp
  | CompletionTlp;

/** The names of the types of TLPs (PCI Express Base, table 2-3). */
export type TlpType = TlpPacket['kind'];

/** r[2:0] of a message: where it goes (table 2-18). 6 and 7 are reserved and end at the receiver. */
export const MessageRouting = {
  TO_ROOT: 0,
  BY_ADDRESS: 1,
  BY_ID: 2,
  BROADCAST: 3,
  LOCAL: 4,
  GATHERED: 5,
} as const;

/** One of {@link MessageRouting}. */
export type MessageRouting = (typeof MessageRouting)[keyof typeof MessageRouting];

/** Type field without Fmt, and whether data follow: one row for each type of TLP. */
export const TLP_TYPES: Readonly<Record<TlpType, { readonly type: number; readonly carriesData: boolean }>> =
  {
    MRd: { type: 0b00000, carriesData: false },
    MRdLk: { type: 0b00001, carriesData: false },
    MWr: { type: 0b00000, carriesData: true },
    IORd: { type: 0b00010, carriesData: false },
    IOWr: { type: 0b00010, carriesData: true },
    CfgRd0: { type: 0b00100, carriesData: false },
    CfgWr0: { type: 0b00100, carriesData: true },
    CfgRd1: { type: 0b00101, carriesData: false },
    CfgWr1: { type: 0b00101, carriesData: true },
    Msg: { type: 0b10000, carriesData: false },
    MsgD: { type: 0b10000, carriesData: true },
    Cpl: { type: 0b01010, carriesData: false },
    CplD: { type: 0b01010, carriesData: true },
    CplLk: { type: 0b01011, carriesData: false },
    CplDLk: { type: 0b01011, carriesData: true },
    FetchAdd: { type: 0b01100, carriesData: true },
    Swap: { type: 0b01101, carriesData: true },
    CAS: { type: 0b01110, carriesData: true },
  };

/** Whether a TLP is a request to memory, whose header is long or short by its address. */
export function isMemoryTlp(tlp: TlpPacket): tlp is MemoryReadTlp | MemoryWriteTlp | AtomicTlp {
  return isMemoryType(tlp.kind);
}

/** Whether a type of TLP is a request to memory. */
export function isMemoryType(kind: TlpType): boolean {
  return MEMORY.has(kind);
}

/** Whether a TLP is a message. */
export function isMessageTlp(tlp: TlpPacket): tlp is MessageTlp {
  return tlp.kind === 'Msg' || tlp.kind === 'MsgD';
}

/** Whether a TLP is a completion. */
export function isCompletionTlp(tlp: TlpPacket): tlp is CompletionTlp {
  return COMPLETIONS.has(tlp.kind);
}

/** Whether a TLP is a request that a completion answers: all but Memory Writes, messages and completions (2.1.1). */
export function isNonPosted(tlp: TlpPacket): boolean {
  return !POSTED.has(tlp.kind) && !COMPLETIONS.has(tlp.kind);
}

/** The double words that a TLP carries, or that a read asks for: its Length. */
export function lengthOf(tlp: TlpPacket): number {
  if ('words' in tlp) return tlp.words;
  if (tlp.kind === 'IORd' || tlp.kind === 'CfgRd0' || tlp.kind === 'CfgRd1') return 1;
  return tlp.payload.length / 4;
}

const MEMORY: ReadonlySet<TlpType> = new Set(['MRd', 'MRdLk', 'MWr', 'FetchAdd', 'Swap', 'CAS']);
const COMPLETIONS: ReadonlySet<TlpType> = new Set(['Cpl', 'CplD', 'CplLk', 'CplDLk']);
const POSTED: ReadonlySet<TlpType> = new Set(['MWr', 'Msg', 'MsgD']);
