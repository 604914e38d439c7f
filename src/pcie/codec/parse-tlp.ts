import { ecrc } from './link-crc.ts';
import { prefixOf, type TlpPrefix } from './prefix.ts';
import { type TlpCheck, type TlpViolation, violation } from './tlp-checks.ts';
import { limitsOf, type TlpReceiverSettings } from './tlp-limits.ts';
import { findRuleBroken } from './tlp-rules.ts';
import { type CompletionTlp, isMemoryType, TLP_TYPES, type TlpPacket, type TlpType } from './tlp-types.ts';

/** What has become of the bytes: a TLP, or the check that they failed. */
export type ParsedTlp =
  | {
      readonly tlp: TlpPacket;
      /** Whether there is an ECRC, and it is right. */
      readonly ecrc: 'absent' | 'good' | 'bad';
      readonly violation: null;
    }
  | { readonly tlp: null; readonly ecrc: 'absent' | 'good' | 'bad'; readonly violation: TlpViolation };

/** Fmt: four double words, and with data. */
const FMT_4DW = 1 << 5;
const FMT_DATA = 1 << 6;
/** The type of TLP of each Fmt and Type, as one number: a memory request has two, a message eight. */
const TYPES = typesByFormat();

/**
 * Takes a TLP apart and makes the checks of a receiver (PCI Express Base 2.2, 2.3). Bytes are the wire's: nothing in them
 * throws. Fields that are reserved for a TLP are passed over, as a receiver has to.
 *
 * @throws TypeError or RangeError for settings that are out of range.
 * @example
 * parseTlp(bytes).violation; // null, or { check: 'pageCrossing', section: '2.2.7', what: '...' }
 */
export function parseTlp(bytes: Uint8Array, settings: TlpReceiverSettings = {}): ParsedTlp {
  const limits = limitsOf(settings);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const prefixes: TlpPrefix[] = [];
  const fails = (check: TlpCheck, found: string, digest: ParsedTlp['ecrc'] = 'absent'): ParsedTlp => ({
    tlp: null,
    ecrc: digest,
    violation: violation(check, found),
  });
  const size = bytes.length;
  if (size % 4 !== 0) return fails('header', `${size} bytes`);
  let at = 0;
  for (; at < size; at += 4) {
    const prefix = prefixOf(view.getUint32(at));
    if (prefix === null) break;
    prefixes.push(prefix);
  }
  if (at === size) return fails('header', `${prefixes.length} prefixes and no header`);
  const word = view.getUint32(at);
  const format = word >>> 24;
  const kind = TYPES.get(format);
  if (kind === undefined)
    return fails('type', `Fmt ${binary(format >>> 5, 3)}, Type ${binary(format & 31, 5)}`);
  const headerBytes = (format & FMT_4DW) === 0 ? 12 : 16;
  if (size - at < headerBytes) return fails('header', `${size - at} bytes of ${headerBytes}`);
  const length = (word & 0x3ff) === 0 ? 1024 : word & 0x3ff;
  const dataBytes = TLP_TYPES[kind].carriesData ? 4 * length : 0;
  const digest = (word & (1 << 15)) !== 0;
  const end = at + headerBytes + dataBytes;
  const behind = size - end;
  if (behind !== (digest ? 4 : 0)) {
    if (behind === 4 || (digest && behind === 0)) return fails('digest', digest ? 'none' : 'one too many');
    return fails('length', `${size - at - headerBytes - (digest ? 4 : 0)} bytes instead of ${dataBytes}`);
  }
  const local = prefixes.findIndex(({ scope }) => scope === 'end-end');
  const firstEndEnd = local < 0 ? prefixes.length : local;
  const covered = bytes.subarray(4 * firstEndEnd, end);
  const isGood = digest && view.getUint32(end) === ecrc(covered, at - 4 * firstEndEnd);
  const state = digest ? (isGood ? 'good' : 'bad') : 'absent';
  const misplaced = prefixes.slice(firstEndEnd).some(({ scope }) => scope === 'local');
  if (misplaced) return fails('prefixOrder', 'a local one behind an End-End one', state);
  const unknown = prefixes.slice(0, firstEndEnd).find(({ type }) => !limits.localPrefixes.includes(type));
  if (unknown !== undefined) return fails('localPrefix', `type ${binary(unknown.type, 4)}`, state);
  const endEnds = prefixes.length - firstEndEnd;
  if (endEnds > limits.maxEndEndPrefixes) return fails('endEndPrefix', `${endEnds} of them`, state);
  const tlp = read(kind, new DataView(view.buffer, view.byteOffset + at, headerBytes), {
    prefixes,
    digest,
    length,
    payload: bytes.slice(at + headerBytes, end),
  });
  const broken = findRuleBroken(tlp, { length, lastEnables: bytes[at + 7] >>> 4 }, limits);
  if (broken !== null) return { tlp: null, ecrc: state, violation: broken };
  return { tlp, ecrc: state, violation: null };
}

interface Around {
  readonly prefixes: readonly TlpPrefix[];
  readonly digest: boolean;
  readonly length: number;
  readonly payload: Uint8Array;
}

function read(kind: TlpType, view: DataView, { prefixes, digest, length, payload }: Around): TlpPacket {
  const word = view.getUint32(0);
  const second = view.getUint32(4);
  const third = view.getUint32(8);
  const high = (((word >>> 23) & 1) << 9) | (((word >>> 19) & 1) << 8);
  const common = {
    trafficClass: (word >>> 20) & 7,
    attributes: (((word >>> 18) & 1) << 2) | ((word >>> 12) & 3),
    poisoned: (word & (1 << 14)) !== 0,
    digest,
    prefixes,
  };
  const request = { ...common, requester: second >>> 16, tag: high | ((second >>> 8) & 0xff) };
  const firstEnables = second & 15;
  const lastEnables = (second >>> 4) & 15;
  switch (kind) {
    case 'MRd':
    case 'MRdLk':
    case 'MWr':
    case 'FetchAdd':
    case 'Swap':
    case 'CAS': {
      const raw = view.byteLength === 16 ? view.getBigUint64(8) : BigInt(third);
      const isHinted = (word & (1 << 16)) !== 0;
      const isWrite = kind === 'MWr';
      const steeringTag = isWrite ? request.tag & 0xff : second & 0xff;
      const memory = {
        ...request,
        tag: isHinted && isWrite ? high : request.tag,
        address: raw - (raw % 4n),
        addressType: (word >>> 10) & 3,
        hints: isHinted ? { processingHint: Number(raw % 4n), steeringTag } : null,
        longHeader: view.byteLength === 16 && raw < 2n ** 32n,
      };
      if (isWrite) return { ...memory, kind, firstEnables, lastEnables, payload };
      if (kind !== 'MRd' && kind !== 'MRdLk') return { ...memory, kind, payload };
      // The Steering Tag has the place of the byte enables: whole double words are meant (2.2.7.1).
      const enables = isHinted
        ? { firstEnables: 15, lastEnables: length === 1 ? 0 : 15 }
        : { firstEnables, lastEnables };
      return { ...memory, kind, words: length, ...enables };
    }
    case 'IORd':
    case 'IOWr':
      return { ...request, kind, address: third - (third % 4), firstEnables, payload };
    case 'CfgRd0':
    case 'CfgRd1':
    case 'CfgWr0':
    case 'CfgWr1':
      return { ...request, kind, target: third >>> 16, register: third & 0xffc, firstEnables, payload };
    case 'Msg':
    case 'MsgD': {
      const parameters = new Uint8Array(view.buffer.slice(view.byteOffset + 8, view.byteOffset + 16));
      return { ...request, kind, routing: (word >>> 24) & 7, code: second & 0xff, parameters, payload };
    }
    default:
      return {
        ...common,
        kind,
        requester: third >>> 16,
        tag: high | ((third >>> 8) & 0xff),
        completer: second >>> 16,
        status: ((second >>> 13) & 7) as CompletionTlp['status'],
        byteCountModified: (second & (1 << 12)) !== 0,
        byteCount: (second & 0xfff) === 0 ? 4096 : second & 0xfff,
        lowerAddress: third & 0x7f,
        payload,
      };
  }
}

function typesByFormat(): ReadonlyMap<number, TlpType> {
  const types = new Map<number, TlpType>();
  for (const kind of Object.keys(TLP_TYPES) as TlpType[]) {
    const { type, carriesData } = TLP_TYPES[kind];
    const short = (carriesData ? FMT_DATA : 0) | type;
    if (kind === 'Msg' || kind === 'MsgD') {
      for (let routing = 0; routing < 8; routing++) types.set(short | FMT_4DW | routing, kind);
    } else {
      types.set(short, kind);
      if (isMemoryType(kind)) types.set(short | FMT_4DW, kind);
    }
  }
  return types;
}

function binary(value: number, digits: number): string {
  return `${value.toString(2).padStart(digits, '0')}b`;
}
