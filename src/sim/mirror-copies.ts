import { type Arrivals, SENT_MASK, SENT_WINDOW } from './flow-arrivals.ts';

/**
 * Which of the frames that come to an endpoint are copies that mirroring rules have made: the switch says so when it
 * makes one, the endpoint's software cannot tell.
 */
export class MirrorCopies {
  /** What has come of each flow, by its number. */
  readonly arrivals: Arrivals[] = [];
  /** Sequence numbers of the copies that are on their way, by flow. */
  private readonly expected: Int32Array[] = [];
  private readonly makeArrivals: (flow: number) => Arrivals;

  /** @param makeArrivals what counts the copies of a flow. */
  constructor(makeArrivals: (flow: number) => Arrivals) {
    this.makeArrivals = makeArrivals;
  }

  /** A copy is on its way. */
  expect(flow: number, sequence: number): void {
    this.expected[flow] ??= new Int32Array(SENT_WINDOW).fill(-1);
    this.arrivals[flow] ??= this.makeArrivals(flow);
    this.expected[flow][sequence & SENT_MASK] = sequence;
  }

  /** A frame has come: whether it is a copy, which is counted. */
  takes(flow: number, sequence: number, timePs: number): boolean {
    const expected = this.expected[flow];
    const place = sequence & SENT_MASK;
    if (expected === undefined || expected[place] !== sequence) return false;
    expected[place] = -1;
    this.arrivals[flow].arrive(sequence, timePs);
    return true;
  }
}
