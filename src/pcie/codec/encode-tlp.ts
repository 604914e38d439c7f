import { checkInteger } from '../../base/index.ts';
import { ecrc } from './link-crc.ts';
import { prefixWord } from './prefix.ts';
import {
  isCompletionTlp,
  isMemoryTlp,
  isMessageTlp,
  lengthOf,
  type MemoryReadTlp,
  type MessageTlp,
  TLP_TYPES,
  type TlpPacket,
} from './tlp-types.ts';

/** Fmt: four double words, and with data. */
const FMT_4DW = 1 << 5;
const FMT_DATA = 1 << 6;
/** Fields of ten bits count 1,024 as 0, those of twelve 4,096. */
const LENGTH_MASK = 0x3ff;
const COUNT_MASK = 0xfff;
const NO_BYTES = new Uint8Array(0);

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
  const { prefixes = [], digest = false } = tlp;
  const local = prefixes.filter(({ scope }) => scope === 'local').length;
  const payload = payloadOf(tlp);
  const isLong = hasLongHeader(tlp);
  const headerAt = 4 * prefixes.length;
  const payloadAt = headerAt + (isLong ? 16 : 12);
  const end = payloadAt + payload.length;
  const bytes = new Uint8Array(end + (digest ? 4 : 0));
  const view = new DataView(bytes.buffer);
  for (const [i, prefix] of prefixes.entries()) view.setUint32(4 * i, prefixWord(prefix));
  writeHeader(new DataView(bytes.buffer, headerAt, payloadAt - headerAt), tlp, isLong);
  bytes.set(payload, payloadAt);
  if (digest) view.setUint32(end, ecrc(bytes.subarray(4 * local, end), headerAt - 4 * local));
  return bytes;
}

function payloadOf(tlp: TlpPacket): Uint8Array {
  const payload = 'payload' in tlp ? tlp.payload : NO_BYTES;
  const { carriesData } = TLP_TYPES[tlp.kind];
  checkInteger('bytes of the payload', payload.length, carriesData ? 4 : 0, carriesData ? 4096 : 0);
  checkInteger('bytes of the payload modulo 4', payload.length % 4, 0, 0);
  return payload;
}

function hasLongHeader(tlp: TlpPacket): boolean {
  if (isMemoryTlp(tlp)) return tlp.longHeader === true || tlp.address >= 2n ** 32n;
  return isMessageTlp(tlp);
}

function writeHeader(view: DataView, tlp: TlpPacket, isLong: boolean): void {
  view.setUint32(0, firstWord(tlp, isLong));
  const { requester, tag } = tlp;
  checkInteger('requester', requester, 0, 0xffff);
  if (isCompletionTlp(tlp)) {
    const { completer, status, byteCount, lowerAddress, byteCountModified = false } = tlp;
    checkInteger('completer', completer, 0, 0xffff);
    checkInteger('status', status, 0, 7);
    checkInteger('byteCount', byteCount, 1, COUNT_MASK + 1);
    checkInteger('lowerAddress', lowerAddress, 0, 0x7f);
    const modified = byteCountModified ? 1 << 12 : 0;
    view.setUint32(4, completer * 2 ** 16 + (status << 13) + modified + (byteCount & COUNT_MASK));
    view.setUint32(8, requester * 2 ** 16 + ((tag & 0xff) << 8) + lowerAddress);
  } else if (isMemoryTlp(tlp)) {
    const { address, hints = null } = tlp;
    checkAddress(address);
    const enables = tlp.kind === 'MRd' || tlp.kind === 'MRdLk' || tlp.kind === 'MWr' ? enablesOf(tlp) : 0;
    const steers = hints !== null;
    if (steers) {
      checkInteger('processingHint', hints.processingHint, 0, 3);
      checkInteger('steeringTag', hints.steeringTag, 0, 0xff);
    }
    const isWrite = tlp.kind === 'MWr';
    const low = steers && isWrite ? hints.steeringTag : tag & 0xff;
    view.setUint32(4, requester * 2 ** 16 + (low << 8) + (steers && !isWrite ? hints.steeringTag : enables));
    const hint = BigInt(steers ? hints.processingHint : 0);
    if (isLong) view.setBigUint64(8, address | hint);
    else view.setUint32(8, Number(address | hint));
  } else if (isMessageTlp(tlp)) {
    writeMessage(view, tlp);
  } else {
    checkInteger('firstEnables', tlp.firstEnables, 0, 15);
    view.setUint32(4, requester * 2 ** 16 + ((tag & 0xff) << 8) + tlp.firstEnables);
    if ('address' in tlp) {
      view.setUint32(8, checkWordAddress('address', tlp.address, 0xffff_fffc));
    } else {
      checkInteger('target', tlp.target, 0, 0xffff);
      view.setUint32(8, tlp.target * 2 ** 16 + checkWordAddress('register', tlp.register, 0xffc));
    }
  }
}

function writeMessage(view: DataView, { requester, tag, code, parameters }: MessageTlp): void {
  checkInteger('code', code, 0, 0xff);
  checkInteger('bytes of the parameters', parameters.length, 8, 8);
  view.setUint32(4, requester * 2 ** 16 + ((tag & 0xff) << 8) + code);
  for (const [i, byte] of parameters.entries()) view.setUint8(8 + i, byte);
}

/** Fmt, Type, T9 and T8, TC, Attr, TH, TD, EP, AT and Length. */
function firstWord(tlp: TlpPacket, isLong: boolean): number {
  const { tag, trafficClass = 0, attributes = 0, poisoned = false, digest = false } = tlp;
  const { type, carriesData } = TLP_TYPES[tlp.kind];
  checkInteger('tag', tag, 0, 0x3ff);
  checkInteger('trafficClass', trafficClass, 0, 7);
  checkInteger('attributes', attributes, 0, 7);
  const routing = isMessageTlp(tlp) ? checkInteger('routing', tlp.routing, 0, 7) : 0;
  const memory = isMemoryTlp(tlp) ? tlp : null;
  const addressType = checkInteger('addressType', memory?.addressType ?? 0, 0, 3);
  const hasHints = (memory?.hints ?? null) !== null;
  const length = lengthOf(tlp);
  checkInteger('words', length, carriesData || memory !== null ? 1 : 0, LENGTH_MASK + 1);
  const format = type | routing | (isLong ? FMT_4DW : 0) | (carriesData ? FMT_DATA : 0);
  return (
    ((format << 24) |
      ((tag >> 9) << 23) |
      (trafficClass << 20) |
      (((tag >> 8) & 1) << 19) |
      ((attributes >> 2) << 18) |
      ((hasHints ? 1 : 0) << 16) |
      ((digest ? 1 : 0) << 15) |
      ((poisoned ? 1 : 0) << 14) |
      ((attributes & 3) << 12) |
      (addressType << 10) |
      (length & LENGTH_MASK)) >>>
    0
  );
}

function enablesOf({
  firstEnables,
  lastEnables,
}: Pick<MemoryReadTlp, 'firstEnables' | 'lastEnables'>): number {
  checkInteger('firstEnables', firstEnables, 0, 15);
  checkInteger('lastEnables', lastEnables, 0, 15);
  return (lastEnables << 4) | firstEnables;
}

function checkAddress(address: bigint): void {
  if (typeof address !== 'bigint') throw new TypeError(`address must be a bigint, got ${typeof address}`);
  if (address < 0n || address >= 2n ** 64n || address % 4n !== 0n)
    throw new RangeError(`address must be a multiple of four below 2^64, got ${address}`);
}

function checkWordAddress(name: string, value: number, max: number): number {
  checkInteger(`${name} modulo 4`, value % 4, 0, 0);
  return checkInteger(name, value, 0, max);
}
