import { SoftwareError } from '../host/index.ts';
import type { Machine } from './machine.ts';

/** @throws SoftwareError if no driver runs on this VF: it has gone, or could not be started. */
export function expectVfDriver({ vfDrivers }: Machine, vf: number): void {
  if (!vfDrivers.has(vf)) throw new SoftwareError(`no driver runs on VF ${vf}`);
}
