import type { LinkDirection } from '../pcie/index.ts';
import type { LinkDirectionReport } from './report.ts';
import { linkDirectionReport } from './report-parts.ts';

/** Counters of one direction of a link. */
export interface LinkSnapshot {
  readonly tlps: number;
  readonly tlpBytes: number;
  readonly payloadBytes: number;
  readonly dllps: number;
  readonly skips: number;
}

/** What it has counted until now. */
export function linkSnapshot(direction: LinkDirection): LinkSnapshot {
  direction.settle();
  return {
    tlps: direction.tlpsSent,
    tlpBytes: direction.tlpBytes,
    payloadBytes: direction.payloadBytes,
    dllps: direction.dllpsSent,
    skips: direction.skipsSent,
  };
}

/** What it has carried in `spanPs` from one snapshot to another. */
export function linkReport(
  { wire }: LinkDirection,
  from: LinkSnapshot,
  to: LinkSnapshot,
  spanPs: number,
): LinkDirectionReport {
  const tlpBytes = to.tlpBytes - from.tlpBytes;
  const dllpBytes = (to.dllps - from.dllps) * wire.dllpBytes;
  const skipBytes = Math.round((to.skips - from.skips) * wire.skipBytes);
  const capacity = Math.floor(spanPs / wire.psPerByte);
  return linkDirectionReport({
    tlps: to.tlps - from.tlps,
    tlpBytes,
    payloadBytes: to.payloadBytes - from.payloadBytes,
    dllpBytes,
    skipBytes,
    idleBytes: Math.max(0, capacity - tlpBytes - dllpBytes - skipBytes),
  });
}
