import { ProbeKind } from '../../kernel/index.ts';
import { formatRoutingId } from '../../pcie/index.ts';
import type { LogRecord, Timeline, TimelineTrack } from '../../trace/index.ts';

/** Page tables are looked up by pages of 4 KiB. */
const PAGE_SHIFT = 12;

/** The track of the page walks of the IOMMU: as many lines as walkers are busy. */
export class WalkTracks {
  private readonly timeline: Timeline;
  private readonly walks: TimelineTrack;
  /** Walks under way, by Routing ID and page. */
  private readonly open = new Map<string, LogRecord>();
  private hasEnds = false;

  constructor(timeline: Timeline, root: TimelineTrack) {
    this.timeline = timeline;
    const description = 'Page walks; without an end those that a reset has broken off.';
    this.walks = timeline.track('IOMMU walkers', { parent: root, description });
  }

  /** Takes the next record of a log. */
  add(record: LogRecord): void {
    const { timePs, kind, a, b, c } = record;
    if (kind !== ProbeKind.PAGE_WALK && kind !== ProbeKind.PAGE_WALK_END) return;
    const key = `${a} ${b}`;
    const begun = this.open.get(key);
    if (kind === ProbeKind.PAGE_WALK) {
      if (begun !== undefined) this.timeline.instant(this.walks, begun.timePs, ...namesOf(begun));
      this.open.set(key, record);
      return;
    }
    this.hasEnds = true;
    this.open.delete(key);
    if (begun === undefined) return;
    const [name, args] = namesOf(record);
    const outcome = { accesses: c & 0xff, level: (c >>> 8) & 0xf, fault: c >>> 12 };
    this.timeline.slice(this.walks, begun.timePs, timePs, name, { ...args, ...outcome });
  }

  /** The log has ended: what is under way then is so until its end. Logs of earlier versions have no ends. */
  end(endPs: number): void {
    for (const begun of this.open.values()) {
      if (this.hasEnds) this.timeline.slice(this.walks, begun.timePs, endPs, ...namesOf(begun));
      else this.timeline.instant(this.walks, begun.timePs, ...namesOf(begun));
    }
  }
}

function namesOf({ a, b }: LogRecord): [string, { readonly address: string }] {
  const page = (b >>> 0) * 2 ** PAGE_SHIFT;
  return [formatRoutingId(a), { address: `0x${page.toString(16)}` }];
}
