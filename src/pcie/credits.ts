import { checkInteger } from '../base/index.ts';

/** What a receiver advertises at initialisation (PCI Express Base 2.6.1); 0 means infinite. */
export interface CreditAdvertisement {
  readonly postedHeaders: number;
  readonly postedData: number;
  readonly nonPostedHeaders: number;
  readonly nonPostedData: number;
  readonly completionHeaders: number;
  readonly completionData: number;
}

/** As a receiver that never runs out advertises. */
export const INFINITE_CREDITS: CreditAdvertisement = Object.freeze({
  postedHeaders: 0,
  postedData: 0,
  nonPostedHeaders: 0,
  nonPostedData: 0,
  completionHeaders: 0,
  completionData: 0,
});

/** UpdateFC DLLPs that are kept apart, for one class, beside the youngest: power of two, one place stays free. */
const UPDATES = 64;
const UPDATE_MASK = UPDATES - 1;

/** Instant of the youngest update while none is under way. */
const NONE = Number.NEGATIVE_INFINITY;

/**
 * The credits of one flow-control class as the transmitter sees them.
 *
 * Credits that the receiver gives back travel as UpdateFC DLLPs. They need no event: each is kept with the
 * instant at which it arrives, and is counted in when the transmitter next looks.
 */
export class CreditGate {
  readonly infinite: boolean;
  /** What the receiver has advertised; 2^30 for what is infinite. */
  readonly initialHeaders: number;
  readonly initialData: number;
  /** When the youngest update leaves or has left the receiver; kept for it by who sends it. */
  lastUpdatePs = NONE;
  /** Header credits, and units of payload, as {@link CreditGate.peek} has seen them. */
  seenHeaders = 0;
  seenData = 0;
  private headers: number;
  private data: number;
  // The youngest update under way: what else is released before it leaves goes with it.
  private youngDue = NONE;
  private youngHeaders = 0;
  private youngData = 0;
  // The others, oldest first: head === tail is empty; one place stays free.
  private readonly due = new Float64Array(UPDATES);
  private readonly dueHeaders = new Int32Array(UPDATES);
  private readonly dueData = new Int32Array(UPDATES);
  private head = 0;
  private tail = 0;
  /** What all of them bring. */
  private comingHeaders = 0;
  private comingData = 0;

  /**
   * @param headers header credits, 0 to 127 (0 = infinite, as in InitFC).
   * @param data data credits of 16 bytes, 0 to 2,047 (0 = infinite).
   * @throws RangeError for what is out of range.
   */
  constructor(headers: number, data: number) {
    checkInteger('header credits', headers, 0, 127);
    checkInteger('data credits', data, 0, 2047);
    this.infinite = headers === 0 && data === 0;
    this.initialHeaders = headers === 0 ? 1 << 30 : headers;
    this.initialData = data === 0 ? 1 << 30 : data;
    this.headers = this.initialHeaders;
    this.data = this.initialData;
  }

  /**
   * Whether a train of these needs can go with what has been counted in; if not, {@link CreditGate.allows}
   * looks again.
   */
  has(headers: number, data: number): boolean {
    return this.headers >= headers && this.data >= data;
  }

  /** Whether a train of these needs can go at `timePs`. */
  allows(timePs: number, headers: number, data: number): boolean {
    if (this.infinite) return true;
    this.settle(timePs);
    return this.has(headers, data);
  }

  /** Takes the credits of a train that goes now. */
  consume(headers: number, data: number): void {
    if (this.infinite) return;
    this.headers -= headers;
    this.data -= data;
  }

  /** Gives credits back with the youngest update, which has not left yet. */
  join(headers: number, data: number): void {
    this.youngHeaders += headers;
    this.youngData += data;
    this.comingHeaders += headers;
    this.comingData += data;
  }

  /**
   * Whether the receiver has no buffer left for a header, or less than `data` units of payload, beside what it has given
   * back in another way.
   */
  isShort(data: number, headersBack = 0, dataBack = 0): boolean {
    return (
      this.headers + this.comingHeaders + headersBack <= 0 || this.data + this.comingData + dataBack < data
    );
  }

  /** Gives credits back that have come in another way. */
  grant(headers: number, data: number): void {
    this.headers += headers;
    this.data += data;
  }

  /** Gives credits back with an UpdateFC that arrives at `arrivalPs`; returns false if they joined one under way. */
  restore(arrivalPs: number, headers: number, data: number): boolean {
    if (this.infinite) return false;
    if (this.youngDue >= arrivalPs) {
      this.join(headers, data);
      return false;
    }
    if (this.youngDue !== NONE) this.keepYoungest();
    this.youngDue = arrivalPs;
    this.youngHeaders = headers;
    this.youngData = data;
    this.comingHeaders += headers;
    this.comingData += data;
    return true;
  }

  /** When the next update arrives; Infinity if none is under way. */
  nextUpdatePs(): number {
    if (this.head !== this.tail) return this.due[this.head];
    return this.youngDue === NONE ? Number.POSITIVE_INFINITY : this.youngDue;
  }

  /** Header credits at `timePs`. */
  headersAt(timePs: number): number {
    this.settle(timePs);
    return this.headers;
  }

  /** Looks what there is at `timePs`, into {@link CreditGate.seenHeaders} and its like; nothing is counted in. */
  peek(timePs: number): void {
    let { headers, data } = this;
    if (this.youngDue !== NONE && this.youngDue <= timePs) {
      headers += this.youngHeaders;
      data += this.youngData;
    }
    for (let at = this.head; at !== this.tail && this.due[at] <= timePs; at = (at + 1) & UPDATE_MASK) {
      headers += this.dueHeaders[at];
      data += this.dueData[at];
    }
    this.seenHeaders = headers;
    this.seenData = data;
  }

  reset(): void {
    this.headers = this.initialHeaders;
    this.data = this.initialData;
    this.head = this.tail;
    this.youngDue = this.lastUpdatePs = NONE;
    this.comingHeaders = this.comingData = 0;
  }

  /** Puts the youngest update behind the others: there is a younger one. */
  private keepYoungest(): void {
    if (((this.tail + 1) & UPDATE_MASK) === this.head) this.mergeOldest();
    this.due[this.tail] = this.youngDue;
    this.dueHeaders[this.tail] = this.youngHeaders;
    this.dueData[this.tail] = this.youngData;
    this.tail = (this.tail + 1) & UPDATE_MASK;
  }

  /** Nobody has looked for long: the oldest update is counted in with the one behind it, so never early. */
  private mergeOldest(): void {
    const oldest = this.head;
    const next = (oldest + 1) & UPDATE_MASK;
    this.dueHeaders[next] += this.dueHeaders[oldest];
    this.dueData[next] += this.dueData[oldest];
    this.head = next;
  }

  private settle(timePs: number): void {
    while (this.head !== this.tail && this.due[this.head] <= timePs) {
      this.arrive(this.dueHeaders[this.head], this.dueData[this.head]);
      this.head = (this.head + 1) & UPDATE_MASK;
    }
    if (this.youngDue === NONE || this.youngDue > timePs) return;
    this.arrive(this.youngHeaders, this.youngData);
    this.youngDue = NONE;
  }

  private arrive(headers: number, data: number): void {
    this.headers += headers;
    this.data += data;
    this.comingHeaders -= headers;
    this.comingData -= data;
  }
}
