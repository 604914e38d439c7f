import { checkInteger } from '../../base/index.ts';
import { ecrcOf } from './link-crc.ts';
import { prefixWord, type TlpPrefix } from './prefix.ts';
import { FMT_4DW, FORMATS, type TlpFormat, TlpGroup } from './tlp-formats.ts';
import type {
  AtomicTlp,
  CompletionTlp,
  ConfigTlp,
  IoTlp,
  MemoryReadTlp,
  MemoryWriteTlp,
  MessageTlp,
  TlpHints,
  TlpPacket,
} from './tlp-types.ts';

/** Fields of ten bits count 1,024 as 0, those of twelve 4,096. */
const LENGTH_MASK = 0x3ff;
const COUNT_MASK = 0xfff;
const NO_BYTES = new Uint8Array(0);
const NO_PREFIXES: readonly TlpPrefix[] = [];
const ADDRESSES = 2n ** 64n;
/** Up to so many bytes are copied faster one by one than by the engine's own function. */
const FEW_BYTES = 64;
/** Where an address comes apart into its halves. */
const ADDRESS = new DataView(new ArrayBuffer(8));

type MemoryTlp = MemoryReadTlp | MemoryWriteTlp | AtomicTlp;

/**
 * The bytes of a TLP as the transaction layer hands them down: prefixes, header, payload and, with `digest`, the ECRC
 * (PCI Express Base 2.2). What the specification forbids but the fields can say is encoded, so that receivers can be tried.
 *
 * @throws TypeError or RangeError for what does not fit its field.
 * @example
 * encodeTlp({
 *   kind: 'MRd', requester: 0x0180, tag: 6, address: 0x4000n, words: 4, firstEnables: 15, lastEnables: 15,
 * }); // 00000004 018006ff 00004000
 */
export function encodeTlp(tlp: TlpPacket): Uint8Array {
  const bytes = new Uint8Array(encodedBytes(tlp));
  encodeTlpInto(bytes, 0, tlp);
  return bytes;
}

/** Bytes that {@link encodeTlp} makes of a TLP. @throws TypeError or RangeError for a kind or an address that there is not. */
export function encodedBytes(tlp: TlpPacket): number {
  const { prefixes = NO_PREFIXES, digest = false } = tlp;
  const header = hasLongHeader(formatOf(tlp), tlp) ? 16 : 12;
  return 4 * prefixes.length + header + payloadOf(tlp).length + (digest ? 4 : 0);
}

/**
 * As {@link encodeTlp}, into a buffer that is there: nothing is allocated.
 *
 * @param offset where the TLP begins.
 * @returns where it ends.
 * @throws TypeError or RangeError as {@link encodeTlp}, and if there is no room; the bytes behind `offset` can then be any.
 * @example
 * const end = encodeTlpInto(buffer, 0, write);
 * view.look(buffer, 0, end); // true
 */
export function encodeTlpInto(bytes: Uint8Array, offset: number, tlp: TlpPacket): number {
  const { prefixes = NO_PREFIXES, digest = false } = tlp;
  const format = formatOf(tlp);
  const payload = payloadOf(tlp);
  const payloadBytes = payload.length;
  if (
    format.carriesData
      ? (payloadBytes & 3) !== 0 || payloadBytes === 0 || payloadBytes > 4096
      : payloadBytes !== 0
  )
    refusePayload(format, payloadBytes);
  const isLong = hasLongHeader(format, tlp);
  const prefixCount = prefixes.length;
  const headerAt = offset + 4 * prefixCount;
  const payloadAt = headerAt + (isLong ? 16 : 12);
  const payloadEnd = payloadAt + payloadBytes;
  const end = payloadEnd + (digest ? 4 : 0);
  if (!(end <= bytes.length) || offset < 0 || (offset | 0) !== offset) refuseRoom(bytes, offset, end);

  let local = 0;
  for (let i = 0; i < prefixCount; i++) {
    if (prefixes[i].scope === 'local') local++;
    putWord(bytes, offset + 4 * i, prefixWord(prefixes[i]));
  }
  putWord(bytes, headerAt, firstWord(format, tlp, isLong, payloadBytes));
  switch (format.group) {
    case TlpGroup.MEMORY:
    case TlpGroup.ATOMIC:
      putMemory(bytes, headerAt, format, tlp as MemoryTlp, isLong);
      break;
    case TlpGroup.REGISTER:
      putRegister(bytes, headerAt, tlp as IoTlp | ConfigTlp);
      break;
    case TlpGroup.MESSAGE:
      putMessage(bytes, headerAt, tlp as MessageTlp);
      break;
    default:
      putCompletion(bytes, headerAt, tlp as CompletionTlp);
  }
  if (payloadBytes > FEW_BYTES) bytes.set(payload, payloadAt);
  else for (let i = 0; i < payloadBytes; i++) bytes[payloadAt + i] = payload[i];
  if (digest) putWord(bytes, payloadEnd, ecrcOf(bytes, offset + 4 * local, payloadEnd, headerAt));
  return end;
}

function formatOf({ kind }: TlpPacket): TlpFormat {
  const format = FORMATS[kind];
  if (format === undefined) {
    throw new RangeError(`kind must be one of ${Object.keys(FORMATS).join(', ')}, got ${String(kind)}`);
  }
  return format;
}

function payloadOf(tlp: TlpPacket): Uint8Array {
  return (tlp as { readonly payload?: Uint8Array }).payload ?? NO_BYTES;
}

function hasLongHeader({ group, hasAddress }: TlpFormat, tlp: TlpPacket): boolean {
  if (!hasAddress) return group === TlpGroup.MESSAGE;
  const { address, longHeader } = tlp as MemoryTlp;
  if (typeof address !== 'bigint') throw new TypeError(`address must be a bigint, got ${typeof address}`);
  if (longHeader === true) return true;
  ADDRESS.setBigUint64(0, address);
  return ADDRESS.getUint32(0) !== 0;
}

/** Fmt, Type, T9 and T8, TC, Attr, TH, TD, EP, AT and Length. */
function firstWord(format: TlpFormat, tlp: TlpPacket, isLong: boolean, payloadBytes: number): number {
  const { tag, trafficClass = 0, attributes = 0, poisoned = false, digest = false } = tlp;
  field('tag', tag, 0x3ff);
  field('trafficClass', trafficClass, 7);
  field('attributes', attributes, 7);
  let word = (format.first << 24) | ((payloadBytes >> 2) & LENGTH_MASK);
  if (isLong) word |= FMT_4DW << 24;
  if (format.hasAddress) {
    const { addressType = 0, hints = null } = tlp as MemoryTlp;
    word |= field('addressType', addressType, 3) << 10;
    if (hints !== null) word |= 1 << 16;
    if (!format.carriesData)
      word |= checkInteger('words', (tlp as MemoryReadTlp).words, 1, 1024) & LENGTH_MASK;
  } else if (format.group === TlpGroup.REGISTER) {
    if (!format.carriesData) word |= 1;
  } else if (format.group === TlpGroup.MESSAGE) {
    word |= field('routing', (tlp as MessageTlp).routing, 7) << 24;
  }
  if (digest) word |= 1 << 15;
  if (poisoned) word |= 1 << 14;
  // Bits 9 and 8 of the tag are apart, as is bit 2 of the attributes.
  const tags = ((tag >> 9) << 23) | (((tag >> 8) & 1) << 19);
  return word | tags | (trafficClass << 20) | ((attributes >> 2) << 18) | ((attributes & 3) << 12);
}

function putMemory(bytes: Uint8Array, at: number, format: TlpFormat, tlp: MemoryTlp, isLong: boolean): void {
  const { requester, tag, address, hints = null } = tlp;
  const isWrite = format.group === TlpGroup.MEMORY && format.carriesData;
  let enables = 0;
  if (format.group === TlpGroup.MEMORY) {
    const { firstEnables, lastEnables } = tlp as MemoryReadTlp;
    enables = (field('lastEnables', lastEnables, 15) << 4) | field('firstEnables', firstEnables, 15);
  }
  let shortTag = tag & 0xff;
  let hint = 0;
  if (hints !== null) {
    hint = checkHints(hints);
    // The Steering Tag has the place of what is not needed then.
    if (isWrite) shortTag = hints.steeringTag;
    else enables = hints.steeringTag;
  }
  putWord(bytes, at + 4, (field('requester', requester, 0xffff) << 16) | (shortTag << 8) | enables);
  if (address < 0n || address >= ADDRESSES) refuseAddress(address);
  ADDRESS.setBigUint64(0, address);
  const low = ADDRESS.getInt32(4);
  if ((low & 3) !== 0) refuseAddress(address);
  if (!isLong) {
    putWord(bytes, at + 8, low | hint);
    return;
  }
  putWord(bytes, at + 8, ADDRESS.getInt32(0));
  putWord(bytes, at + 12, low | hint);
}

function checkHints({ processingHint, steeringTag }: TlpHints): number {
  field('steeringTag', steeringTag, 0xff);
  return field('processingHint', processingHint, 3);
}

function putRegister(bytes: Uint8Array, at: number, tlp: IoTlp | ConfigTlp): void {
  const { requester, tag, firstEnables } = tlp;
  field('firstEnables', firstEnables, 15);
  putWord(bytes, at + 4, (field('requester', requester, 0xffff) << 16) | ((tag & 0xff) << 8) | firstEnables);
  if (tlp.kind === 'IORd' || tlp.kind === 'IOWr') {
    putWord(bytes, at + 8, checkWordAddress('address', (tlp as IoTlp).address, 0xffff_fffc));
  } else {
    const { target, register } = tlp as ConfigTlp;
    const word = (field('target', target, 0xffff) << 16) | checkWordAddress('register', register, 0xffc);
    putWord(bytes, at + 8, word);
  }
}

function putMessage(bytes: Uint8Array, at: number, tlp: MessageTlp): void {
  const { requester, tag, code, parameters } = tlp;
  field('code', code, 0xff);
  if (parameters.length !== 8) checkInteger('bytes of the parameters', parameters.length, 8, 8);
  putWord(bytes, at + 4, (field('requester', requester, 0xffff) << 16) | ((tag & 0xff) << 8) | code);
  for (let i = 0; i < 8; i++) bytes[at + 8 + i] = parameters[i];
}

function putCompletion(bytes: Uint8Array, at: number, tlp: CompletionTlp): void {
  const { requester, tag, completer, status, byteCount, lowerAddress, byteCountModified = false } = tlp;
  checkInteger('byteCount', byteCount, 1, COUNT_MASK + 1);
  const counted =
    (field('status', status, 7) << 13) | (byteCountModified ? 1 << 12 : 0) | (byteCount & COUNT_MASK);
  putWord(bytes, at + 4, (field('completer', completer, 0xffff) << 16) | counted);
  const low = ((tag & 0xff) << 8) | field('lowerAddress', lowerAddress, 0x7f);
  putWord(bytes, at + 8, (field('requester', requester, 0xffff) << 16) | low);
}

/** A value of a field whose bits are `mask`: all ones from bit 0 on. One test finds whatever else it is. */
function field(name: string, value: number, mask: number): number {
  if (typeof value !== 'number' || (value & mask) !== value) checkInteger(name, value, 0, mask);
  return value;
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

function checkWordAddress(name: string, value: number, max: number): number {
  checkInteger(`${name} modulo 4`, value % 4, 0, 0);
  return checkInteger(name, value, 0, max);
}

function refusePayload({ carriesData }: TlpFormat, payloadBytes: number): void {
  checkInteger('bytes of the payload', payloadBytes, carriesData ? 4 : 0, carriesData ? 4096 : 0);
  checkInteger('bytes of the payload modulo 4', payloadBytes % 4, 0, 0);
}

function refuseRoom(bytes: Uint8Array, offset: number, end: number): void {
  checkInteger('offset', offset, 0, bytes.length);
  checkInteger('bytes behind offset', bytes.length - offset, end - offset, Number.MAX_SAFE_INTEGER);
}

function refuseAddress(address: bigint): void {
  throw new RangeError(`address must be a multiple of four below 2^64, got ${address}`);
}
