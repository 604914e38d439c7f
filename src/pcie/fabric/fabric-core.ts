import { assert } from '../../base/index.ts';
import type { Scheduler } from '../../kernel/index.ts';
import type { Tlp, TlpPool } from '../tlp-pool.ts';
import { CompletionRouting } from '../topology/completion-routing.ts';
import type { PcieHierarchy } from '../topology/hierarchy.ts';
import type { HopAction } from '../topology/request.ts';
import { RequestRouting } from '../topology/request-routing.ts';
import type { HierarchyStructure } from '../topology/structure.ts';
import type { Transfer } from './fabric-request.ts';
import { type CompletionTaker, type FabricCompletion, FabricTlp } from './fabric-tlp.ts';

/** What all nodes of a fabric share: the time, the way through the hierarchy, and what is under way. */
export class FabricCore {
  readonly scheduler: Scheduler;
  readonly tlps: TlpPool;
  readonly hierarchy: PcieHierarchy;
  readonly structure: HierarchyStructure;
  readonly requests: RequestRouting;
  readonly completions: CompletionRouting;
  /** What TLPs are, by the number of their record. */
  private readonly underWay: (FabricTlp | FabricCompletion | null)[];

  constructor(scheduler: Scheduler, tlps: TlpPool, hierarchy: PcieHierarchy) {
    this.scheduler = scheduler;
    this.tlps = tlps;
    this.hierarchy = hierarchy;
    this.structure = hierarchy.structure;
    this.requests = new RequestRouting(hierarchy.structure, hierarchy.services);
    this.completions = new CompletionRouting(hierarchy.structure);
    this.underWay = new Array(tlps.capacity).fill(null);
  }

  /** A record for a request or a completion that sets out. */
  take(what: FabricTlp | FabricCompletion): Tlp {
    const tlp = this.tlps.take();
    what.fill(tlp);
    this.underWay[tlp.index] = what;
    return tlp;
  }

  /** What a TLP is. */
  of(tlp: Tlp): FabricTlp | FabricCompletion {
    const what = this.underWay[tlp.index];
    assert(what !== null, 'a TLP arrived that nobody has sent');
    return what;
  }

  /** It has ended. */
  give(tlp: Tlp): void {
    this.underWay[tlp.index] = null;
    this.tlps.give(tlp);
  }

  /** A request TLP of a transfer; the first one notes its hops. */
  requestOf(transfer: Transfer, owner: CompletionTaker, bytes: number): FabricTlp {
    const { request, issued } = transfer;
    const note = issued === 0 ? this.note : null;
    return new FabricTlp(transfer, owner, request.address + issued, bytes, issued, note);
  }

  private readonly note = (transfer: Transfer, at: string, action: HopAction, isCompletion: boolean) => {
    transfer.hops.push({ at, action, isCompletion, timePs: this.scheduler.now });
  };
}
