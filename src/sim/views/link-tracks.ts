import { flowClassOf } from '../../pcie/index.ts';
import {
  type BinaryLog,
  LinkStates,
  type Timeline,
  type TimelineTrack,
  TLP_NAMES,
  TlpFrames,
  TlpPurposes,
} from '../../trace/index.ts';
import { linkTlps } from './link-tlps.ts';
import { tlpNames } from './tlp-names.ts';

const CLASSES = ['posted', 'non-posted', 'completion'];

/** Tracks of both directions of the link: each TLP as long as its symbols take, and the credits that are left behind it. */
export function addLinkTracks(timeline: Timeline, root: TimelineTrack, log: BinaryLog): void {
  const parent = timeline.track('PCIe link', { parent: root });
  const directions = ['upstream', 'downstream'].map((name) => ({
    tlps: timeline.track(name, { parent }),
    credits: CLASSES.flatMap((each) => [
      timeline.track(`${name} ${each} header credits`, { parent, unit: 'credits' }),
      timeline.track(`${name} ${each} data credits`, { parent, unit: 'units of 16 bytes' }),
    ]),
  }));
  for (const { downPs, upPs } of new LinkStates(log).downTimes) {
    timeline.instant(parent, downPs, 'link down');
    if (upPs < Number.POSITIVE_INFINITY) timeline.instant(parent, upPs, 'link up');
  }
  const purposes = new TlpPurposes(log, { names: tlpNames(log), frames: new TlpFrames(log) });
  for (const tlp of linkTlps(log)) {
    const { tlps, credits } = directions[tlp.downstream ? 1 : 0];
    const { startPs, endPs, kind, sequence, address, bytes, headerCredits, dataCredits } = tlp;
    if (startPs > timeline.toPs) continue;
    timeline.slice(tlps, startPs, endPs, TLP_NAMES[kind], {
      purpose: purposes.of(tlp),
      sequence,
      address: `0x${address.toString(16)}`,
      bytes,
    });
    const place = 2 * flowClassOf(kind);
    if (headerCredits !== Number.POSITIVE_INFINITY) timeline.counter(credits[place], startPs, headerCredits);
    if (dataCredits !== Number.POSITIVE_INFINITY) timeline.counter(credits[place + 1], startPs, dataCredits);
  }
}
