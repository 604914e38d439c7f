import type { DataPath } from '../../drivers/index.ts';
import { CAP_PCI_EXPRESS, formatRoutingId } from '../../pcie/index.ts';
import type { VPortRef } from '../scenario-resolved.ts';
import type { ArmedFault } from './armed-fault.ts';
import type { FaultRun, TimedEffect } from './fault-effect.ts';
import type { FaultRecord } from './fault-record.ts';
import { enabledRings, routingIdOf } from './fault-target.ts';

/** Device Control of the PCI Express capability, and Initiate Function Level Reset (PCIe 3.0 7.8.4). */
const DEVICE_CONTROL = 8;
const INITIATE_FLR = 1 << 15;
const ALL_ONES = 0xffff;

/** A Function Level Reset behind the back of the function's driver: software writes Device Control. */
export class FunctionReset implements TimedEffect {
  private readonly run: FaultRun;

  constructor(run: FaultRun) {
    this.run = run;
  }

  strike(armed: ArmedFault): FaultRecord {
    const target = armed.fault.target as VPortRef;
    const record = this.run.struck(armed, target);
    const { rootComplex, nic } = this.run.simulation.machine;
    const routingId = routingIdOf(nic.pf, target);
    if (routingId < 0) {
      record.notes.push('the function does not exist at that time, and nothing is reset');
      return record;
    }
    const name = formatRoutingId(routingId);
    const fn = nic.endpoint.functionAt(routingId);
    const at = (fn?.findCapability(CAP_PCI_EXPRESS) ?? 0) + DEVICE_CONTROL;
    const control = rootComplex.configRead(routingId, at, 2);
    if (control === ALL_ONES) {
      record.notes.push(`${name} does not answer configuration requests, and nothing is reset`);
      return record;
    }
    const before = this.enabledRings(target);
    const vfs = nic.pf.sriov?.count ?? 0;
    rootComplex.configWrite(routingId, at, 2, control | INITIATE_FLR);
    const rings = before - this.enabledRings(target);
    const path = this.pathOf(target);
    record.notes.push(`${name} is reset, rings disabled: ${rings}`);
    if (fn?.busMaster === false) record.notes.push('Bus Master Enable is clear');
    const gone = vfs - (nic.pf.sriov?.count ?? 0);
    if (gone > 0) record.notes.push(`VFs gone with VF Enable: ${gone}`);
    if (path === undefined) return record;
    record.notes.push(`frames that stay on its transmit ring: ${this.notTaken(target, path)}`);
    record.before = [path.ringFull, path.queue.framesReceived];
    record.isOpen = true;
    return record;
  }

  tell(record: FaultRecord, { fault }: ArmedFault): readonly string[] {
    const path = this.pathOf(fault.target as VPortRef);
    if (!record.isOpen || path === undefined) return [];
    const [full, received] = record.before;
    const refused = path.ringFull - full;
    const since = path.queue.framesReceived - received;
    return [
      `frames that its driver received since then: ${since}, that it found no room to send: ${refused}`,
    ];
  }

  private pathOf(target: VPortRef): DataPath | undefined {
    const { machine } = this.run.simulation;
    return target.kind === 'pf' ? machine.ixgbe?.path : machine.vfDrivers.get(target.vf)?.path;
  }

  private notTaken(target: VPortRef, { queue }: DataPath): number {
    const { nic } = this.run.simulation.machine;
    const first = this.poolOf(target) * nic.profile.queuesPerPool;
    return (queue.transmitTail - nic.data.transmitted[first].index) & (queue.ringSize - 1);
  }

  /** Rings of the function that are enabled; of the PF, those of the whole card. */
  private enabledRings(target: VPortRef): number {
    const { data, profile } = this.run.simulation.machine.nic;
    const { queuesPerPool } = profile;
    return target.kind === 'pf'
      ? enabledRings(data)
      : enabledRings(data, target.vf * queuesPerPool, queuesPerPool);
  }

  private poolOf(target: VPortRef): number {
    return target.kind === 'pf' ? this.run.simulation.pfPort : target.vf;
  }
}
