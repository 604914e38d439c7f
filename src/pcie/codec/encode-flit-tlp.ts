import { checkInteger } from '../../base/index.ts';
import { encodeTlp } from './encode-tlp.ts';
import {
  type FlitSteering,
  type FlitTlp,
  flitTypeOf,
  OHC_A,
  OHC_B,
  OHC_C,
  OHC_E_WORDS,
  TRAILER_ECRC,
} from './flit-tlp-types.ts';
import { flitEcrc } from './link-crc.ts';
import type { PasidPrefix } from './prefix.ts';
import { wordAt } from './tlp-fields.ts';
import { isCompletionTlp, isMemoryTlp, isMessageTlp, MessageRouting, type TlpPacket } from './tlp-types.ts';

/** Fields of OHC-A (PCI Express Base 6.0 2.2.1.2). */
const NO_WRITE = 1 << 31;
const PASID_VALID = 1 << 30;
const PRIVILEGED = 1 << 29;
const EXECUTE = 1 << 28;
const DESTINATION_VALID = 1 << 15;
/** PASID Valid of OHC-A4, whose PASID is in three parts. */
const A4_PASID_VALID = 1 << 14;
/** Bits of the header base. */
const POISONED = 1 << 15;
const NFM_POISONED = 1 << 14;

/**
 * The bytes of a TLP in Flit Mode: header base, Orthogonal Header Content where it says something, payload and, with `digest`,
 * a trailer with the ECRC (PCI Express Base 6.0 2.2). As {@link encodeTlp}, it encodes what the fields can say.
 *
 * @throws TypeError or RangeError for what does not fit its field, and for what Flit Mode does not have.
 * @example
 * encodeFlitTlp({
 *   kind: 'MRd', requester: 0x0180, tag: 0x2006, address: 0x4000n, words: 4, firstEnables: 15, lastEnables: 15,
 * }); // 03000004 01802006 00004000
 */
export function encodeFlitTlp(tlp: FlitTlp): Uint8Array {
  checkAbsent(tlp);
  const { tag, digest = false, steering = null, contentC = null, contentE = [] } = tlp;
  checkInteger('tag', tag, 0, isMessageTlp(tlp) ? 0 : 0x3fff);
  // Checked and laid out as in the other mode; its words are put together anew.
  const before = encodeTlp({ ...tlp, tag: tag & 0x3ff, digest: false } as TlpPacket);
  const first = wordAt(before, 0);
  const headerBytes = (before[0] & 0x20) === 0 ? 12 : 16;
  const content: number[] = [];
  const a = contentA(tlp, wordAt(before, 4) & 0xff);
  let present = 0;
  if (a !== null) {
    present |= OHC_A;
    content.push(a);
  }
  if (steering !== null) {
    present |= OHC_B;
    content.push(contentB(steering));
  }
  if (contentC !== null) {
    present |= OHC_C;
    content.push(checkInteger('contentC', contentC, 0, 0xffff_ffff));
  }
  const size = OHC_E_WORDS.indexOf(contentE.length as 0 | 1 | 2 | 4);
  if (size < 0) throw new RangeError(`contentE must have 0, 1, 2 or 4 double words, got ${contentE.length}`);
  present |= size << 3;
  for (const word of contentE) content.push(checkInteger('contentE', word, 0, 0xffff_ffff));

  const payload = before.subarray(headerBytes);
  const payloadAt = headerBytes + 4 * content.length;
  const end = payloadAt + payload.length;
  const bytes = new Uint8Array(end + (digest ? 4 : 0));
  const view = new DataView(bytes.buffer);
  const { trafficClass = 0, attributes = 0 } = tlp;
  const trailer = digest ? TRAILER_ECRC : 0;
  view.setUint8(0, flitTypeOf(before[0]));
  view.setUint8(1, (trafficClass << 5) | present);
  view.setUint16(2, (trailer << 13) | (attributes << 10) | (first & 0x3ff));
  const poisoned = (first & NFM_POISONED) === 0 ? 0 : POISONED;
  putRoute(view, tlp, before, poisoned);
  for (const [i, word] of content.entries()) view.setUint32(headerBytes + 4 * i, word);
  bytes.set(payload, payloadAt);
  if (digest) view.setUint32(end, flitEcrc(bytes, 0, end));
  return bytes;
}

/** The double words behind the first: who, and where to. */
function putRoute(view: DataView, tlp: FlitTlp, before: Uint8Array, poisoned: number): void {
  const second = wordAt(before, 4);
  const third = wordAt(before, 8);
  if (isCompletionTlp(tlp)) {
    const { lowerAddress } = tlp;
    view.setUint16(4, second >>> 16);
    view.setUint16(6, poisoned | ((lowerAddress >> 6) << 14) | tlp.tag);
    view.setUint16(8, third >>> 16);
    view.setUint16(10, (((lowerAddress >> 2) & 15) << 12) | (second & 0xfff));
    return;
  }
  view.setUint16(4, second >>> 16);
  view.setUint16(6, poisoned | (isMessageTlp(tlp) ? tlp.code : tlp.tag));
  const isLong = (before[0] & 0x20) !== 0;
  view.setUint32(8, third);
  if (isLong) view.setUint32(12, wordAt(before, 12));
  // AT has the place that the Processing Hint had.
  if (isMemoryTlp(tlp)) view.setUint8(isLong ? 15 : 11, before[isLong ? 15 : 11] | (tlp.addressType ?? 0));
}

/** OHC-A of a kind, or null where it would say nothing. @param enables byte enables, the last ones above. */
function contentA(tlp: FlitTlp, enables: number): number | null {
  const { pasid = null, noWrite = false, destinationSegment = null } = tlp;
  const segment = destinationSegment === null ? 0 : segmentOf('destinationSegment', destinationSegment);
  const routed = destinationSegment === null ? 0 : (segment << 24) | DESTINATION_VALID;
  if (isCompletionTlp(tlp)) {
    const low = ((tlp.lowerAddress & 3) << 3) | tlp.status;
    const completer = segmentOf('completerSegment', tlp.completerSegment ?? 0);
    return (low | routed | completer) === 0 ? null : (routed | (completer << 16) | low) >>> 0;
  }
  if (isMessageTlp(tlp)) {
    if (tlp.routing !== MessageRouting.BY_ID) return pasid === null ? null : addressSpace(pasid) >>> 0;
    if (pasid === null) return routed === 0 ? null : routed >>> 0;
    const { pasid: id } = pasid;
    checkInteger('pasid', id, 0, 0xfffff);
    const parts = (((id >> 8) & 0xff) << 16) | ((id >> 16) << 8) | (id & 0xff);
    return (routed | A4_PASID_VALID | parts) >>> 0;
  }
  if (!isMemoryTlp(tlp)) return (routed | enables) >>> 0;
  const isWhole = !('firstEnables' in tlp) || enables === (lengthOf(tlp) === 1 ? 0x0f : 0xff);
  if (isWhole && pasid === null && !noWrite) return null;
  const space = pasid === null ? 0 : addressSpace(pasid);
  return (space | (noWrite ? NO_WRITE : 0) | enables) >>> 0;
}

function lengthOf(tlp: FlitTlp): number {
  return 'words' in tlp ? tlp.words : tlp.payload.length / 4;
}

/** PASID with its rights, as OHC-A1 has them. */
function addressSpace({ pasid, privilegedModeRequested, executeRequested }: PasidPrefix): number {
  checkInteger('pasid', pasid, 0, 0xfffff);
  return (
    PASID_VALID | (privilegedModeRequested ? PRIVILEGED : 0) | (executeRequested ? EXECUTE : 0) | (pasid << 8)
  );
}

function contentB({ hintsValid, processingHint, steeringTag, attributes = null }: FlitSteering): number {
  checkInteger('hintsValid', hintsValid, 0, 3);
  checkInteger('processingHint', processingHint, 0, 3);
  checkInteger('steeringTag', steeringTag, 0, 0xffff);
  const low = attributes === null ? 0 : (checkInteger('attributes of steering', attributes, 0, 7) << 1) | 1;
  return (steeringTag << 8) | (processingHint << 6) | (hintsValid << 4) | low;
}

function segmentOf(name: string, segment: number): number {
  return checkInteger(name, segment, 0, 0xff);
}

/** What the other mode has and this one has not, or a kind of TLP has not. */
function checkAbsent(tlp: FlitTlp): void {
  const {
    prefixes = [],
    pasid = null,
    noWrite = false,
    destinationSegment = null,
    completerSegment = 0,
  } = tlp;
  const isMemory = isMemoryTlp(tlp);
  const isMessage = isMessageTlp(tlp);
  const isById = isMessage && tlp.routing === MessageRouting.BY_ID;
  const isCompletion = isCompletionTlp(tlp);
  const isConfig = 'target' in tlp;
  const absent: readonly (readonly [string, boolean])[] = [
    ['prefixes', prefixes.length > 0],
    ['hints', isMemory && (tlp.hints ?? null) !== null],
    ['byteCountModified', isCompletion && tlp.byteCountModified === true],
    ['pasid', pasid !== null && !isMemory && !isMessage],
    [
      'rights of a pasid by ID',
      isById && (pasid?.executeRequested || pasid?.privilegedModeRequested) === true,
    ],
    ['noWrite', noWrite && !isMemory],
    ['destinationSegment', destinationSegment !== null && !isConfig && !isById && !isCompletion],
    ['completerSegment', completerSegment !== 0 && !isCompletion],
  ];
  for (const [name, isThere] of absent) {
    if (isThere) throw new RangeError(`${name} must not be there in Flit Mode for ${tlp.kind}`);
  }
}
