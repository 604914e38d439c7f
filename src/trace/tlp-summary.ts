import { TlpKind } from '../pcie/index.ts';
import type { SingleTlp } from './tlp-cut.ts';
import { carriesData, isCompletion } from './tlp-kinds.ts';
import type { TlpPurposes } from './tlp-purpose.ts';
import { TLP_NAMES } from './tlp-text.ts';

/** TLPs of one kind, of one function or for one purpose. */
export interface TlpSums {
  readonly name: string;
  /** In each direction: TLPs, their bytes on the link, and bytes of payload in them. */
  readonly upstream: TlpAmount;
  readonly downstream: TlpAmount;
}

/** How much of something there was in one direction. */
export interface TlpAmount {
  readonly tlps: number;
  readonly linkBytes: number;
  readonly payloadBytes: number;
}

/** From the first symbol of a request until its last completion has arrived, over the requests of one purpose. */
export interface TlpLatency {
  readonly name: string;
  readonly requests: number;
  readonly minPs: number;
  readonly meanPs: number;
  readonly maxPs: number;
}

/** What some TLPs come to. */
export interface TlpSummaryData {
  /** When the first symbol of the first left, and the last one had arrived; ps, 0 for no TLPs. */
  readonly firstPs: number;
  readonly lastPs: number;
  /** Part of that time in which symbols of TLPs were on the link, in each direction: 0 to 1. */
  readonly busy: { readonly upstream: number; readonly downstream: number };
  readonly types: readonly TlpSums[];
  readonly functions: readonly TlpSums[];
  readonly purposes: readonly TlpSums[];
  readonly latencies: readonly TlpLatency[];
  /** Completions that are not successful, poisoned TLPs, and requests without all their completions. */
  readonly failed: number;
  readonly poisoned: number;
  readonly unanswered: number;
  /** TLPs that the receiver has not taken, as bad, behind such a one or duplicates, and those that were sent again. */
  readonly discarded: number;
  readonly replayed: number;
  /** TLPs that had begun to leave, or were on their way, when the link went down. */
  readonly lost: number;
}

/** Sums TLPs up. */
export class TlpSummary {
  private readonly purposes: TlpPurposes;
  private firstPs = Number.POSITIVE_INFINITY;
  private lastPs = 0;
  private readonly busyPs = [0, 0];
  private failed = 0;
  private poisoned = 0;
  private discarded = 0;
  private replayed = 0;
  private lost = 0;
  /** Requests whose tag was taken for another before they had all completions. */
  private unanswered = 0;
  private readonly types = new Map<string, Sums>();
  private readonly functions = new Map<string, Sums>();
  private readonly groups = new Map<string, Sums>();
  private readonly latencies = new Map<string, Latency>();
  /** By direction of the request, requester and tag. */
  private readonly outstanding = new Map<string, { startPs: number; group: string }>();

  constructor(purposes: TlpPurposes) {
    this.purposes = purposes;
  }

  /** Counts a TLP in. They must come in the order of time. */
  add(tlp: SingleTlp): void {
    const { purposes } = this;
    const { kind, startPs, endPs, arrivalPs, downstream } = tlp;
    this.firstPs = Math.min(this.firstPs, startPs);
    this.lastPs = Math.max(this.lastPs, tlp.received === 'lost' ? endPs : arrivalPs);
    this.busyPs[Number(downstream)] += endPs - startPs;
    if (tlp.replayed) this.replayed++;
    if (tlp.received === 'lost') this.lost++;
    else if (tlp.received !== 'good' && tlp.received !== 'unknown') this.discarded++;
    else if (tlp.poisoned) this.poisoned++;
    if (tlp.received === 'good' && tlp.status !== 0) this.failed++;
    const fn = purposes.functionOf(tlp);
    const group = purposes.groupOf(tlp);
    sumsOf(this.types, TLP_NAMES[kind]).add(tlp);
    const name = purposes.functionNameOf(tlp);
    sumsOf(this.functions, fn === null ? 'unknown' : purposes.functionsAt(tlp).describe(fn, name)).add(tlp);
    sumsOf(this.groups, group).add(tlp);
    if (tlp.tag !== null && (tlp.received === 'good' || !isCompletion(kind))) this.follow(tlp, group);
  }

  /** What it is by now. */
  data(): TlpSummaryData {
    const spanPs = this.lastPs - this.firstPs;
    const busy = this.busyPs.map((ps) => (spanPs > 0 ? ps / spanPs : 0));
    return {
      firstPs: spanPs > 0 ? this.firstPs : 0,
      lastPs: this.lastPs,
      busy: { upstream: busy[0], downstream: busy[1] },
      types: named(this.types),
      functions: named(this.functions),
      purposes: named(this.groups),
      latencies: [...this.latencies].map(([name, latency]) => latency.as(name)),
      failed: this.failed,
      poisoned: this.poisoned,
      unanswered: this.unanswered + this.outstanding.size,
      discarded: this.discarded,
      replayed: this.replayed,
      lost: this.lost,
    };
  }

  private follow(tlp: SingleTlp, group: string): void {
    const { kind, downstream, requester, tag, startPs, arrivalPs } = tlp;
    const key = `${downstream !== isCompletion(kind)} ${requester} ${tag}`;
    if (!isCompletion(kind)) {
      // Latency counts from the first time that it was sent.
      if (tlp.replayed) return;
      if (this.outstanding.has(key)) this.unanswered++;
      this.outstanding.set(key, { startPs, group });
      return;
    }
    const request = this.outstanding.get(key);
    if (request === undefined || (kind === TlpKind.COMPLETION_DATA && tlp.bytes < tlp.byteCount)) return;
    this.outstanding.delete(key);
    let latency = this.latencies.get(request.group);
    if (latency === undefined) {
      latency = new Latency();
      this.latencies.set(request.group, latency);
    }
    latency.note(arrivalPs - request.startPs);
  }
}

class Sums {
  readonly amounts = [new Amount(), new Amount()];

  add({ downstream, linkBytes, kind, bytes }: SingleTlp): void {
    const amount = this.amounts[Number(downstream)];
    amount.tlps++;
    amount.linkBytes += linkBytes;
    if (carriesData(kind)) amount.payloadBytes += bytes;
  }
}

class Amount implements TlpAmount {
  tlps = 0;
  linkBytes = 0;
  payloadBytes = 0;
}

class Latency {
  private requests = 0;
  private sumPs = 0;
  private minPs = Number.POSITIVE_INFINITY;
  private maxPs = 0;

  note(ps: number): void {
    this.requests++;
    this.sumPs += ps;
    this.minPs = Math.min(this.minPs, ps);
    this.maxPs = Math.max(this.maxPs, ps);
  }

  as(name: string): TlpLatency {
    const { requests, minPs, maxPs } = this;
    return { name, requests, minPs, meanPs: this.sumPs / requests, maxPs };
  }
}

function sumsOf(map: Map<string, Sums>, name: string): Sums {
  let sums = map.get(name);
  if (sums === undefined) {
    sums = new Sums();
    map.set(name, sums);
  }
  return sums;
}

/** Most bytes first. */
function named(map: ReadonlyMap<string, Sums>): TlpSums[] {
  const bytes = ({ upstream, downstream }: TlpSums) => upstream.linkBytes + downstream.linkBytes;
  return [...map]
    .map(([name, { amounts }]) => ({ name, upstream: { ...amounts[0] }, downstream: { ...amounts[1] } }))
    .sort((a, b) => bytes(b) - bytes(a));
}
