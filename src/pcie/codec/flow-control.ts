import { checkInteger, checkKeys, checkPowerOfTwo } from '../../base/index.ts';
import type { CreditAdvertisement } from '../credits.ts';
import { CREDIT_BYTES, FlowClass } from '../tlp.ts';
import type { Dllp, FlowControlDllp } from './dllp.ts';
import { prefixOf } from './prefix.ts';

/** Headers and units of 16 bytes. */
export interface TlpCredits {
  readonly flowClass: FlowClass;
  readonly data: number;
}

/** What one end of a link advertises, and has to be advertised. */
export interface CreditFlowControlOptions {
  /** Its own buffers, 0 for infinite. */
  readonly advertised: CreditAdvertisement;
  /** Max_Payload_Size, of which the other end must have room for one. Default 128. */
  readonly maxPayloadBytes?: number;
}

/** Sizes of the fields of flow-control DLLPs, and the most that may be outstanding (PCI Express Base 2.6.1). */
const HEADER_FIELD = 256;
const DATA_FIELD = 4096;
const MOST_HEADERS = 127;
const MOST_DATA = 2047;
const CLASSES = [FlowClass.POSTED, FlowClass.NON_POSTED, FlowClass.COMPLETION] as const;
const OPTIONS: Readonly<Record<keyof CreditFlowControlOptions, true>> = {
  advertised: true,
  maxPayloadBytes: true,
};

/** One kind of credits, headers or data of a class, modulo its field. */
class Credits {
  /** Given in all, and taken in all. */
  allocated = 0;
  taken = 0;
  isInfinite = false;
  private readonly field: number;

  constructor(field: number) {
    this.field = field;
  }

  /** Takes credits, if there are so many. */
  take(count: number): boolean {
    if (this.isInfinite) return true;
    if (this.left < count) return false;
    this.taken = (this.taken + count) % this.field;
    return true;
  }

  /** Given and not taken; half of the field or more is none. */
  get left(): number {
    const left = (this.allocated - this.taken + this.field) % this.field;
    return left < this.field / 2 ? left : -1;
  }

  give(count: number): void {
    if (!this.isInfinite) this.allocated = (this.allocated + count) % this.field;
  }
}

/** Headers and data of a class. */
class ClassCredits {
  readonly headers = new Credits(HEADER_FIELD);
  readonly data = new Credits(DATA_FIELD);
  isInitialised = false;

  advertise(headers: number, data: number): void {
    this.headers.allocated = headers;
    this.headers.isInfinite = headers === 0;
    this.data.allocated = data;
    this.data.isInfinite = data === 0;
    this.isInitialised = true;
  }

  /** A TLP with so much payload, if there is room for all of it. */
  take(data: number): boolean {
    const { headers } = this;
    const hasHeader = headers.isInfinite || headers.left > 0;
    return hasHeader && this.data.take(data) && headers.take(1);
  }
}

/**
 * Flow control of one end of a link, Virtual Channel 0: the buffers that it has for what comes, and those that the other end
 * says it has (PCI Express Base 2.6.1). It finds what the other end does against the rules: a TLP for which there is no room
 * (Receiver Overflow), and credits that must not be (Flow Control Protocol Error). It changes nothing by itself.
 *
 * @example
 * const flow = new CreditFlowControl({ advertised: { ...INFINITE_CREDITS, postedHeaders: 1, postedData: 8 } });
 * flow.take({ flowClass: FlowClass.POSTED, data: 4 }); // true
 * flow.take({ flowClass: FlowClass.POSTED, data: 4 }); // false: Receiver Overflow
 */
export class CreditFlowControl {
  private readonly own = CLASSES.map(() => new ClassCredits());
  private readonly other = CLASSES.map(() => new ClassCredits());
  /** What is in its own buffers, by class. */
  private readonly held = CLASSES.map(() => ({ headers: 0, data: 0 }));
  private readonly leastData: number;

  /** @throws TypeError or RangeError for options out of range. */
  constructor(options: CreditFlowControlOptions) {
    const { advertised, maxPayloadBytes = 128 } = checkKeys<CreditFlowControlOptions>(
      'options',
      options,
      OPTIONS,
    );
    this.leastData = checkPowerOfTwo('maxPayloadBytes', maxPayloadBytes, 128, 4096) / CREDIT_BYTES;
    for (const flowClass of CLASSES) {
      const [headers, data] = fieldsOf(advertised, flowClass);
      this.own[flowClass].advertise(
        checkInteger('header credits', headers, 0, MOST_HEADERS),
        checkInteger('data credits', data, 0, MOST_DATA),
      );
    }
  }

  /** What it says of a class when the link is initialised, and whenever buffers are free again. */
  dllp(kind: FlowControlDllp['kind'], flowClass: FlowClass): FlowControlDllp {
    const { headers, data } = this.own[flowClass];
    return { kind, flowClass, headerCredits: headers.allocated, dataCredits: data.allocated };
  }

  /** A TLP has come; false if there is no room for it: it is to be discarded. */
  take({ flowClass, data }: TlpCredits): boolean {
    const isTaken = this.own[flowClass].take(data);
    if (isTaken) this.hold(flowClass, 1, data);
    return isTaken;
  }

  /**
   * Its buffers are free again. Returns the UpdateFC that says so.
   *
   * @throws RangeError for more than is in the buffers of its class: nothing changes then.
   */
  release({ flowClass, data }: TlpCredits): FlowControlDllp {
    const held = this.held[flowClass];
    if (held.headers === 0)
      throw new RangeError('TLP must be one that was taken, got one of a class that holds none');
    checkInteger('data', data, 0, held.data);
    this.hold(flowClass, -1, -data);
    this.own[flowClass].headers.give(1);
    this.own[flowClass].data.give(data);
    return this.dllp('UpdateFC', flowClass);
  }

  /** Takes the credits for a TLP that is to leave; false if the other end has not given them, or nothing yet. */
  send({ flowClass, data }: TlpCredits): boolean {
    const other = this.other[flowClass];
    return other.isInitialised && other.take(data);
  }

  /** A DLLP has come. False is a Flow Control Protocol Error; what is not for Virtual Channel 0 is passed over. */
  receive(dllp: Dllp): boolean {
    if (!('flowClass' in dllp) || (dllp.virtualChannel ?? 0) !== 0) return true;
    const { kind, flowClass, headerCredits, dataCredits } = dllp;
    const { [flowClass]: other } = this.other;
    if (kind !== 'UpdateFC') {
      // Sent again and again until both ends have it (3.3.1).
      if (other.isInitialised) return true;
      other.advertise(headerCredits, dataCredits);
      return (
        headerCredits <= MOST_HEADERS &&
        dataCredits <= MOST_DATA &&
        (dataCredits === 0 || dataCredits >= this.least(flowClass))
      );
    }
    if (!other.isInitialised) return true;
    return [update(other.headers, headerCredits), update(other.data, dataCredits)].every(
      (isRight) => isRight,
    );
  }

  private hold(flowClass: FlowClass, headers: number, data: number): void {
    const held = this.held[flowClass];
    held.headers += headers;
    held.data += data;
  }

  /** The least that has to be advertised of data: a payload, or the double word of a non-posted request (table 2-37). */
  private least(flowClass: FlowClass): number {
    return flowClass === FlowClass.NON_POSTED ? 1 : this.leastData;
  }
}

/** An UpdateFC says how many there were in all. False if there cannot be so many, or need be none (2.6.1). */
function update(credits: Credits, allocated: number): boolean {
  if (credits.isInfinite) return allocated === 0;
  const before = credits.allocated;
  credits.allocated = allocated;
  if (credits.left >= 0) return true;
  credits.allocated = before;
  return false;
}

/**
 * The credits that a TLP takes, by the first bytes of its header: also of one that is malformed.
 *
 * @param bytes from the first prefix on. Too few are a posted request without data.
 */
export function creditsOfTlp(bytes: Uint8Array): TlpCredits {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + 4 <= bytes.length && prefixOf(view.getUint32(at)) !== null) at += 4;
  const word = at + 4 <= bytes.length ? view.getUint32(at) : 0x6000_0000;
  const [hasData, type] = [(word & 0x4000_0000) !== 0, (word >>> 24) & 0x1f];
  const words = word & 0x3ff || 1024;
  const isMessage = type >> 3 === 2;
  const isPosted = isMessage || (hasData && type === 0);
  const isCompletion = type >> 1 === 5;
  return {
    flowClass: isPosted ? FlowClass.POSTED : isCompletion ? FlowClass.COMPLETION : FlowClass.NON_POSTED,
    data: hasData && at + 4 <= bytes.length ? Math.ceil((4 * words) / CREDIT_BYTES) : 0,
  };
}

function fieldsOf(credits: CreditAdvertisement, flowClass: FlowClass): readonly [number, number] {
  const { postedHeaders, postedData, nonPostedHeaders, nonPostedData } = credits;
  if (flowClass === FlowClass.POSTED) return [postedHeaders, postedData];
  if (flowClass === FlowClass.NON_POSTED) return [nonPostedHeaders, nonPostedData];
  return [credits.completionHeaders, credits.completionData];
}
