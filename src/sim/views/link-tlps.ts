import { type BinaryLog, type SingleTlp, singleTlps } from '../../trace/index.ts';

/**
 * The TLPs of a log, such that no two of a direction overlap. Where a byte takes no whole number of ps, each instant is
 * rounded by itself, and a TLP may seem to begin 1 ps before the end of the one in front of it.
 */
export function* linkTlps(log: BinaryLog): Generator<SingleTlp> {
  const freePs = [0, 0];
  for (const tlp of singleTlps(log)) {
    const direction = tlp.downstream ? 1 : 0;
    const startPs = Math.max(tlp.startPs, freePs[direction]);
    freePs[direction] = Math.max(tlp.endPs, startPs);
    yield startPs === tlp.startPs ? tlp : { ...tlp, startPs };
  }
}
