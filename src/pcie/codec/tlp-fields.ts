import type { RoutingId } from '../routing-id.ts';
import { FORMATS, type TlpFormat, TlpGroup } from './tlp-formats.ts';
import type { CompletionTlp, TlpType } from './tlp-types.ts';

// Constants of this module: see "The hot path" in docs/architecture.md.
const { COMPLETION, MEMORY } = TlpGroup;
const NO_BYTES = new Uint8Array(0);

/**
 * The fields of a TLP where they stand: where its parts are in the bytes, and the double words of its header. A field that a
 * type of TLP does not have says nothing of it.
 */
export class TlpFields {
  /** What it looks at; the TLP is from `start` up to `end`. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  /** TLP prefixes, of a double word each, from `start` on; the header is behind them. */
  prefixCount = 0;
  /** Local ones before the first End-End one. */
  localPrefixes = 0;
  headerAt = 0;
  headerBytes = 0;
  /** Where the payload is in the bytes, and how long. */
  payloadAt = 0;
  payloadBytes = 0;
  protected format: TlpFormat = FORMATS.MRd;
  // Double words of the header as signed numbers, so that none of them has to be a heap number.
  protected word0 = 0;
  protected word1 = 0;
  protected word2 = 0;
  protected word3 = 0;

  /** The specification's name of the type. */
  get kind(): TlpType {
    return this.format.kind;
  }

  /** Types whose headers have the same fields. */
  get group(): TlpGroup {
    return this.format.group;
  }

  get carriesData(): boolean {
    return this.format.carriesData;
  }

  /** Whether it is a request to memory: it has an address, AT and TH. */
  get hasAddress(): boolean {
    return this.format.hasAddress;
  }

  /** Length in double words, 1 to 1,024. */
  get length(): number {
    return lengthOf(this.word0);
  }

  get trafficClass(): number {
    return (this.word0 >>> 20) & 7;
  }

  /** No Snoop in bit 0, Relaxed Ordering in bit 1, ID-based Ordering in bit 2. */
  get attributes(): number {
    return (((this.word0 >>> 18) & 1) << 2) | ((this.word0 >>> 12) & 3);
  }

  /** EP. */
  get poisoned(): boolean {
    return (this.word0 & (1 << 14)) !== 0;
  }

  /** TD. */
  get digest(): boolean {
    return (this.word0 & (1 << 15)) !== 0;
  }

  /** AT, of requests to memory. */
  get addressType(): number {
    return (this.word0 >>> 10) & 3;
  }

  /** TH, of requests to memory. */
  get hasHints(): boolean {
    return this.format.hasAddress && (this.word0 & (1 << 16)) !== 0;
  }

  /** PH, where there are hints. */
  get processingHint(): number {
    return this.lastWord & 3;
  }

  /** ST[7:0], where there are hints. */
  get steeringTag(): number {
    return (this.isWrite ? this.word1 >>> 8 : this.word1) & 0xff;
  }

  get requester(): RoutingId {
    return (this.format.group === COMPLETION ? this.word2 : this.word1) >>> 16;
  }

  /** Ten bits; of a write with hints the upper two. */
  get tag(): number {
    const { word0, format } = this;
    const high = (((word0 >>> 23) & 1) << 9) | (((word0 >>> 19) & 1) << 8);
    if (format.group === COMPLETION) return high | ((this.word2 >>> 8) & 0xff);
    return this.isWrite && this.hasHints ? high : high | ((this.word1 >>> 8) & 0xff);
  }

  /** Byte enables of the first double word; whole ones are meant where the Steering Tag has their place (2.2.7.1). */
  get firstEnables(): number {
    return this.isSteeredRead ? 15 : this.word1 & 15;
  }

  /** Byte enables of the last double word, as `firstEnables`. */
  get lastEnables(): number {
    if (this.isSteeredRead) return this.length === 1 ? 0 : 15;
    return (this.word1 >>> 4) & 15;
  }

  /** Upper half of the address of a request to memory; 0 with a short header. */
  get addressHigh(): number {
    return this.headerBytes === 16 ? this.word2 >>> 0 : 0;
  }

  /** Lower half of an address, in memory or I/O: a multiple of four. */
  get addressLow(): number {
    return (this.lastWord & ~3) >>> 0;
  }

  /** The address as a number: exact below 2^53. */
  get address(): number {
    return this.addressHigh * 2 ** 32 + this.addressLow;
  }

  /** Function that a configuration request is for. */
  get target(): RoutingId {
    return this.word2 >>> 16;
  }

  /** Byte offset of a configuration request. */
  get register(): number {
    return this.word2 & 0xffc;
  }

  /** r[2:0] of a message. */
  get routing(): number {
    return (this.word0 >>> 24) & 7;
  }

  /** Message Code. */
  get code(): number {
    return this.word1 & 0xff;
  }

  get completer(): RoutingId {
    return this.word1 >>> 16;
  }

  /** Completion Status. */
  get status(): CompletionTlp['status'] {
    return ((this.word1 >>> 13) & 7) as CompletionTlp['status'];
  }

  /** BCM. */
  get byteCountModified(): boolean {
    return (this.word1 & (1 << 12)) !== 0;
  }

  /** Byte Count, 1 to 4,096. */
  get byteCount(): number {
    const count = this.word1 & 0xfff;
    return count === 0 ? 4096 : count;
  }

  get lowerAddress(): number {
    return this.word2 & 0x7f;
  }

  /** Prefix number `index` as its double word. */
  prefixAt(index: number): number {
    return wordAt(this.bytes, this.start + 4 * index) >>> 0;
  }

  private get lastWord(): number {
    return this.headerBytes === 16 ? this.word3 : this.word2;
  }

  private get isWrite(): boolean {
    return this.format.group === MEMORY && this.format.carriesData;
  }

  /** A read, or AtomicOp, with hints. */
  private get isSteeredRead(): boolean {
    return this.hasHints && !this.isWrite;
  }
}

/** Length of a header's first double word: 0 stands for 1,024. */
export function lengthOf(word0: number): number {
  const length = word0 & 0x3ff;
  return length === 0 ? 1024 : length;
}

/** The double word at `at`, its first byte the most significant one, signed. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
