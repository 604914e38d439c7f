import { ProbeKind } from '../../kernel/index.ts';
import { formatRoutingId } from '../../pcie/index.ts';
import type { LogRecord, Timeline, TimelineTrack } from '../../trace/index.ts';

/** Page tables are looked up by pages of 4 KiB. */
const PAGE_SHIFT = 12;

/** The track of the page walks of the IOMMU. */
export class WalkTracks {
  private readonly timeline: Timeline;
  private readonly walks: TimelineTrack;

  constructor(timeline: Timeline, root: TimelineTrack) {
    this.timeline = timeline;
    this.walks = timeline.track('IOMMU walkers', { parent: root });
  }

  /** Takes the next record of a log. */
  add({ timePs, kind, a, b }: LogRecord): void {
    if (kind !== ProbeKind.PAGE_WALK) return;
    const page = (b >>> 0) * 2 ** PAGE_SHIFT;
    this.timeline.instant(this.walks, timePs, formatRoutingId(a), { address: `0x${page.toString(16)}` });
  }
}
