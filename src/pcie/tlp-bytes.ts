import { checkInteger } from '../base/index.ts';
import type { RoutingId } from './routing-id.ts';
import {
  type CompletionStatus,
  HEADER_3DW_BYTES,
  HEADER_4DW_BYTES,
  memoryHeaderBytes,
  spanOf,
  TlpKind,
} from './tlp.ts';

/** What every header has (PCI Express Base 2.2.1). */
interface HeaderFields {
  readonly requester: RoutingId;
  /** 0 to 1,023: beyond 255 it takes the bits T9 and T8, of a requester of ten-bit tags. */
  readonly tag: number;
  /** TC, 0 to 7. Default 0. */
  readonly trafficClass?: number;
  /** Attr: No Snoop in bit 0, Relaxed Ordering in bit 1, ID-based Ordering in bit 2. Default 0. */
  readonly attributes?: number;
  /** EP: the payload is known to be bad (2.7.2). Default false. */
  readonly poisoned?: boolean;
}

/** Header of a Memory Read or Memory Write (2.2.7). */
export interface MemoryTlpHeader extends HeaderFields {
  readonly kind: typeof TlpKind.MEMORY_READ | typeof TlpKind.MEMORY_WRITE;
  /** Of the first double word; from 4 GiB up the header has four double words. */
  readonly address: number;
  /** Length in double words, 1 to 1,024. */
  readonly words: number;
  /** Byte enables of the first and the last double word; those of the last are 0 if there is but one. */
  readonly firstEnables: number;
  readonly lastEnables: number;
}

/** Header of a configuration request, which is for one double word (2.2.7). */
export interface ConfigTlpHeader extends HeaderFields {
  readonly kind: typeof TlpKind.CONFIG_READ | typeof TlpKind.CONFIG_WRITE;
  readonly configType: 0 | 1;
  readonly target: RoutingId;
  /** Byte offset of the double word in the configuration space, 0 to 4,092. */
  readonly register: number;
  readonly firstEnables: number;
}

/** Header of a completion (2.2.9). */
export interface CompletionTlpHeader extends HeaderFields {
  readonly kind: typeof TlpKind.COMPLETION | typeof TlpKind.COMPLETION_DATA;
  readonly completer: RoutingId;
  readonly status: CompletionStatus;
  /** Bytes that the request still misses, those of this completion included: 1 to 4,096. */
  readonly byteCount: number;
  /** Low seven bits of the address of the first byte that it brings. */
  readonly lowerAddress: number;
  /** Length in double words, 1 to 1,024; 0 without data. */
  readonly words: number;
}

/** Header of a message without data, and without an address or Routing ID of its own (2.2.8). */
export interface MessageTlpHeader extends HeaderFields {
  readonly kind: typeof TlpKind.MESSAGE;
  /** r[2:0], 0 to 7. */
  readonly routing: number;
  /** Message Code, 0 to 255. */
  readonly code: number;
}

/** A TLP's header, field by field. */
export type TlpHeader = MemoryTlpHeader | ConfigTlpHeader | CompletionTlpHeader | MessageTlpHeader;

/** Type of a memory request, of configuration requests of type 0, of a completion, of a message to the root. */
const MEMORY = 0b00000;
const CONFIG = 0b00100;
const COMPLETION = 0b01010;
const MESSAGE = 0b10000;
/** Fmt: four double words, and with data. */
const FMT_4DW = 1 << 5;
const FMT_DATA = 1 << 6;
/** Fields of ten bits count 1,024 as 0, those of twelve 4,096. */
const WORDS_MASK = 0x3ff;
const COUNT_MASK = 0xfff;

/** What of a header says which bytes a memory request is for: its length and byte enables (2.2.5). */
export function byteEnablesOf(
  address: number,
  bytes: number,
): Pick<MemoryTlpHeader, 'address' | 'words' | 'firstEnables' | 'lastEnables'> {
  const at = address % 4;
  const words = spanOf(address, bytes) / 4;
  const end = (at + bytes) % 4;
  const first = (0xf << at) & 0xf;
  const last = end === 0 ? 0xf : (1 << end) - 1;
  return {
    address: address - at,
    words,
    firstEnables: words === 1 ? first & last : first,
    lastEnables: words === 1 ? 0 : last,
  };
}

/**
 * The bytes of a TLP's header as they are on the link: 12 or 16 of them, most significant first (2.2).
 *
 * @throws TypeError or RangeError for what does not fit its field.
 * @example
 * encodeTlpHeader({
 *   kind: TlpKind.MEMORY_READ, requester: 0x0180, tag: 6, address: 0x4000, words: 4, firstEnables: 15, lastEnables: 15,
 * }); // 00000004 018006ff 00004000
 */
export function encodeTlpHeader(header: TlpHeader): Uint8Array {
  const { requester, tag } = header;
  checkInteger('requester', requester, 0, 0xffff);
  checkInteger('tag', tag, 0, WORDS_MASK);
  const isMessage = header.kind === TlpKind.MESSAGE;
  const isLong = isMessage || (isMemory(header) && memoryHeaderBytes(header.address) === HEADER_4DW_BYTES);
  const bytes = new Uint8Array(isLong ? HEADER_4DW_BYTES : HEADER_3DW_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, firstWord(header, isLong));
  if (isMemory(header)) {
    const { address, firstEnables, lastEnables } = header;
    checkInteger('address', address, 0, Number.MAX_SAFE_INTEGER);
    checkInteger('address modulo 4', address % 4, 0, 0);
    view.setUint32(4, transaction(requester, tag, firstEnables, lastEnables));
    if (isLong) view.setUint32(8, Math.floor(address / 2 ** 32));
    view.setUint32(isLong ? 12 : 8, address % 2 ** 32);
  } else if (isConfig(header)) {
    const { target, register, firstEnables } = header;
    checkInteger('target', target, 0, 0xffff);
    checkInteger('register', register, 0, 0xffc);
    checkInteger('register modulo 4', register % 4, 0, 0);
    view.setUint32(4, transaction(requester, tag, firstEnables, 0));
    view.setUint32(8, target * 2 ** 16 + register);
  } else if (isMessage) {
    view.setUint32(4, requester * 2 ** 16 + ((tag & 0xff) << 8) + checkInteger('code', header.code, 0, 0xff));
  } else {
    const { completer, status, byteCount, lowerAddress } = header;
    checkInteger('completer', completer, 0, 0xffff);
    checkInteger('status', status, 0, 7);
    checkInteger('byteCount', byteCount, 1, COUNT_MASK + 1);
    checkInteger('lowerAddress', lowerAddress, 0, 0x7f);
    view.setUint32(4, completer * 2 ** 16 + (status << 13) + (byteCount & COUNT_MASK));
    view.setUint32(8, requester * 2 ** 16 + ((tag & 0xff) << 8) + lowerAddress);
  }
  return bytes;
}

/** Fmt, Type, TC, T9 and T8, Attr, EP and Length. */
function firstWord(header: TlpHeader, isLong: boolean): number {
  const { kind, tag, trafficClass = 0, attributes = 0, poisoned = false } = header;
  checkInteger('trafficClass', trafficClass, 0, 7);
  checkInteger('attributes', attributes, 0, 7);
  let type = MEMORY;
  let words = 1;
  if (isConfig(header)) {
    type = CONFIG | header.configType;
  } else if (header.kind === TlpKind.MESSAGE) {
    type = MESSAGE | checkInteger('routing', header.routing, 0, 7);
    words = 0;
  } else {
    words = header.words;
    const hasNone = kind === TlpKind.COMPLETION;
    checkInteger('words', words, hasNone ? 0 : 1, hasNone ? 0 : WORDS_MASK + 1);
    if (!isMemory(header)) type = COMPLETION;
  }
  const carries =
    kind === TlpKind.MEMORY_WRITE || kind === TlpKind.CONFIG_WRITE || kind === TlpKind.COMPLETION_DATA;
  const format = type | (isLong ? FMT_4DW : 0) | (carries ? FMT_DATA : 0);
  return (
    ((format << 24) |
      ((tag >> 9) << 23) |
      (trafficClass << 20) |
      (((tag >> 8) & 1) << 19) |
      ((attributes >> 2) << 18) |
      ((poisoned ? 1 : 0) << 14) |
      ((attributes & 3) << 12) |
      (words & WORDS_MASK)) >>>
    0
  );
}

/** The second double word of a request. */
function transaction(requester: RoutingId, tag: number, first: number, last: number): number {
  checkInteger('firstEnables', first, 0, 15);
  checkInteger('lastEnables', last, 0, 15);
  return requester * 2 ** 16 + ((tag & 0xff) << 8) + (last << 4) + first;
}

/**
 * Takes a TLP's header apart; what is behind it is passed over.
 *
 * @throws RangeError for bytes that are too few, and a Fmt and Type that are none of {@link TlpKind}.
 */
export function decodeTlpHeader(bytes: Uint8Array): TlpHeader {
  checkInteger('bytes of the header', bytes.length, HEADER_3DW_BYTES, Number.MAX_SAFE_INTEGER);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = view.getUint32(0);
  const format = word >>> 24;
  const carries = (format & FMT_DATA) !== 0;
  const isLong = (format & FMT_4DW) !== 0;
  const second = view.getUint32(4);
  const common = (requester: RoutingId, low: number) => ({
    requester,
    tag: (((word >>> 23) & 1) << 9) | (((word >>> 19) & 1) << 8) | low,
    trafficClass: (word >>> 20) & 7,
    attributes: (((word >>> 18) & 1) << 2) | ((word >>> 12) & 3),
    poisoned: (word & (1 << 14)) !== 0,
  });
  const request = common(second >>> 16, (second >>> 8) & 0xff);
  const words = (word & WORDS_MASK) === 0 ? WORDS_MASK + 1 : word & WORDS_MASK;
  const type = format & 0x9f;
  if (type === MEMORY) {
    if (isLong) checkInteger('bytes of the header', bytes.length, HEADER_4DW_BYTES, Number.MAX_SAFE_INTEGER);
    const low = view.getUint32(isLong ? 12 : 8);
    return {
      ...request,
      kind: carries ? TlpKind.MEMORY_WRITE : TlpKind.MEMORY_READ,
      address: (isLong ? view.getUint32(8) * 2 ** 32 : 0) + low - (low % 4),
      words,
      firstEnables: second & 15,
      lastEnables: (second >>> 4) & 15,
    };
  }
  if ((type & 0x98) === MESSAGE && isLong && !carries) {
    const routing = type & 7;
    return { ...request, kind: TlpKind.MESSAGE, routing, code: second & 0xff };
  }
  const third = view.getUint32(8);
  if ((type & ~1) === CONFIG && !isLong) {
    return {
      ...request,
      kind: carries ? TlpKind.CONFIG_WRITE : TlpKind.CONFIG_READ,
      configType: (type & 1) as 0 | 1,
      target: third >>> 16,
      register: third & 0xffc,
      firstEnables: second & 15,
    };
  }
  if (type === COMPLETION && !isLong) {
    return {
      ...common(third >>> 16, (third >>> 8) & 0xff),
      kind: carries ? TlpKind.COMPLETION_DATA : TlpKind.COMPLETION,
      completer: second >>> 16,
      status: ((second >>> 13) & 7) as CompletionStatus,
      byteCount: (second & COUNT_MASK) === 0 ? COUNT_MASK + 1 : second & COUNT_MASK,
      lowerAddress: third & 0x7f,
      words: carries ? words : 0,
    };
  }
  throw new RangeError(
    `Fmt and Type are 0x${format.toString(16).padStart(2, '0')}, which is no TLP that is modelled`,
  );
}

function isMemory(header: TlpHeader): header is MemoryTlpHeader {
  return header.kind === TlpKind.MEMORY_READ || header.kind === TlpKind.MEMORY_WRITE;
}

function isConfig(header: TlpHeader): header is ConfigTlpHeader {
  return header.kind === TlpKind.CONFIG_READ || header.kind === TlpKind.CONFIG_WRITE;
}
