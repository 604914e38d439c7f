import type { LinkDirection } from './link-direction.ts';

/** Sends a DLLP in this direction now; returns in what time, in ps, it is at the other end. */
export function sendDllp(direction: LinkDirection, nowPs: number): number {
  const { wire, flightPs, trainedAt } = direction;
  const leavesPs = Math.max(nowPs, trainedAt);
  const endPs = wire.dllpEndPs(leavesPs);
  wire.oweUpdate(leavesPs);
  return endPs + flightPs - nowPs;
}

/** Sends `bytes` of TLPs again: they have their credits. */
export function resend(direction: LinkDirection, nowPs: number, bytes: number): void {
  direction.wire.settle(nowPs);
  direction.wire.send(bytes);
  direction.tlpBytes += bytes;
}

/** Nothing leaves in this direction for `durationPs`. */
export function pauseDirection(direction: LinkDirection, nowPs: number, durationPs: number): void {
  const { wire } = direction;
  wire.settle(nowPs);
  wire.freeAt = Math.max(wire.freeAt, nowPs) + durationPs;
  direction.trainedAt = nowPs + durationPs;
}
