import { Probe, ProbeKind, Scheduler } from '../../kernel/index.ts';
import { IVAR_VALID, Nic, VTIVAR } from '../../nic/index.ts';
import { type PcieFunction, PcieLink, TlpKind, TlpPool } from '../../pcie/index.ts';
import type { BinaryLog, LogRecord } from '../../trace/index.ts';
import { withSlots } from '../frame-slots.ts';
import type { MachineParts } from '../machine.ts';
import { withPort } from '../scenario-port.ts';
import { queueAccess, TAIL } from './queue-access.ts';
import { isCompletion, type Train } from './trains.ts';

/**
 * The registers of a log's card as they were at any moment: a card of the same kind, to which every configuration write
 * and every register write of the log is made again. It never runs: tails of rings are left out.
 */
export class CardReplay {
  readonly nic: Nic;
  /** Whether the log has all that was ever written. */
  readonly isComplete: boolean;
  /** Configuration writes that have not been answered, by the number of their TLP. */
  private readonly waiting = new Map<number, Train>();

  /** @param parts of the machine whose log it is. */
  constructor(log: BinaryLog, parts: MachineParts) {
    this.nic = cardOf(parts);
    this.isComplete = log.lost === 0 && (log.header.startPs ?? 0) === 0;
  }

  /** Function of a Routing ID, or null. */
  functionOf(routingId: number): PcieFunction | null {
    const { pf } = this.nic;
    if (pf.routingId === routingId) return pf;
    const vf = this.vfOf(routingId);
    return vf < 0 ? null : (pf.sriov?.vf(vf) ?? null);
  }

  /** Number of the VF with a Routing ID, or -1. */
  vfOf(routingId: number): number {
    const { sriov } = this.nic.pf;
    if (sriov === null || !sriov.enabled) return -1;
    for (let vf = 0; vf < sriov.count; vf++) if (sriov.routingIdOf(vf) === routingId) return vf;
    return -1;
  }

  /** Routing ID under which a queue makes its requests. */
  routingIdOf(queue: number): number {
    const { nic } = this;
    const vf = nic.vfOfQueue(queue);
    return vf < 0 ? nic.pf.routingId : (nic.pf.sriov?.routingIdOf(vf) as number);
  }

  /** Vector that a receive queue's interrupts have, or -1. */
  vectorOf(queue: number): number {
    const { nic } = this;
    const vf = nic.vfOfQueue(queue);
    if (vf < 0) return nic.registers.vectorOf(queue, false);
    const own = queue % nic.profile.queuesPerPool;
    const ivar =
      nic.pf.sriov
        ?.vf(vf)
        .bar(0)
        .read32(VTIVAR + 4 * (own >> 1), 4) ?? 0;
    const byte = (ivar >>> (16 * (own & 1))) & 0xff;
    return (byte & IVAR_VALID) !== 0 ? byte & 3 : -1;
  }

  /** A configuration write has its effect when it is answered. */
  train(train: Train): void {
    if (train.kind === TlpKind.CONFIG_WRITE) this.waiting.set(train.index, train);
    else if (isCompletion(train)) {
      const write = this.waiting.get(train.index);
      if (write === undefined) return;
      this.waiting.delete(train.index);
      const { target, address, bytes, word, configType } = write;
      this.nic.configWrite(target, address, bytes, word, configType);
    } else this.waiting.delete(train.index);
  }

  /** A record that is no part of a train. */
  record({ kind, a, b, c }: LogRecord): void {
    if (kind !== ProbeKind.REGISTER_WRITE) return;
    const routingId = a & 0xffff;
    const fn = this.functionOf(routingId);
    const bar = a >> 16;
    if (fn === null) return;
    const access = bar === 0 ? queueAccess(this.nic.profile, this.vfOf(routingId), b) : null;
    if (access?.register === TAIL) return;
    fn.bar(bar).write32(b & ~3, c >>> 0, 0xf);
  }
}

/** A card as a machine has it, on a link that leads nowhere. */
function cardOf({ hostProfile, nicProfile, nic }: MachineParts): Nic {
  const scheduler = new Scheduler();
  const probe = new Probe(scheduler);
  const tlps = new TlpPool();
  const maxPayloadBytes = Math.min(hostProfile.maxPayloadBytes, nicProfile.maxPayloadBytes);
  const link = new PcieLink('pcie', scheduler, probe, tlps, {
    ...nicProfile.pcie,
    rootCredits: hostProfile.rootCredits,
    flightPs: hostProfile.linkFlightPs,
    maxPayloadBytes,
  });
  return new Nic({
    name: 'nic',
    scheduler,
    probe,
    tlps,
    link,
    profile: withPort(withSlots(nicProfile, nic), nic.port),
    linkGbps: nic.linkGbps,
    maxPayloadBytes,
    maxReadRequestBytes: Math.min(hostProfile.maxReadRequestBytes, nicProfile.maxReadRequestBytes),
    readCompletionBoundary: hostProfile.readCompletionBoundary,
  });
}
